"""How long to leave something alone after it has failed."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential, with jitter so that replicas which failed together do not come back together.

    Attributes:
        first: the longest delay, in seconds, after one failure; it doubles with each further one.
        longest: what no delay exceeds.
    """

    first: float = 1
    longest: float = 60

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, at least one."""
        ceiling = min(self.longest, self.first * 2.0 ** min(failures - 1, 64))
        return ceiling * random.uniform(0.5, 1)

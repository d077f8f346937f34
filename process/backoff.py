"""How long to leave something alone after it has failed."""

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential, with jitter so that what failed together does not come back together.

    Attributes:
        first: the longest delay, in seconds, after one failure; it doubles with each further one.
        longest: what no delay exceeds.
        give_up_after: seconds after which there are no more tries.
    """

    first: float
    longest: float
    give_up_after: float = math.inf

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row: half of them fixed, half at random."""
        doublings = min(failures - 1, 64)  # a float has an end
        ceiling = min(self.longest, self.first * 2.0**doublings)
        return ceiling * random.uniform(0.5, 1)

"""How long to wait before another try."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential, with jitter so that many processes do not come back at once.

    Attributes:
        first: the longest delay, in seconds, after the first failure; it doubles with each.
        longest: what it never exceeds.
        give_up_after: seconds after which there are no more tries.
    """

    first: float = 2
    longest: float = 300
    give_up_after: float = 6 * 3600

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures: half of them fixed, up to as many at random."""
        doublings = min(failures - 1, 64)  # a float has an end
        ceiling = min(self.longest, self.first * 2.0**doublings)
        return ceiling * random.uniform(0.5, 1)

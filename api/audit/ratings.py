"""How often the answers are right, of those that callers told the true class of. Pure.

They are no random sample: people rather tell of mistakes, or only of what they happened to check.
So these figures show where to look, and cannot be compared with the gate's.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True)
class Rating:
    """The answers of one version.

    Attributes:
        version: the model.
        images: of how many the true class was told.
        right: how many of them it had answered with that class.
    """

    version: str
    images: int
    right: int

    @property
    def accuracy(self) -> float:
        """The part that is right; there is at least one image."""
        return self.right / self.images

    @property
    def interval(self) -> tuple[float, float]:
        """The two-sided confidence interval of the accuracy, at :data:`LEVEL`.

        It is the score interval of Wilson (1927), "Probable inference, the law of succession, and
        statistical inference", Journal of the American Statistical Association 22, 209-212.
        """
        n, p, z = self.images, self.accuracy, NormalDist().inv_cdf((1 + LEVEL) / 2)
        centre = p + z**2 / (2 * n)
        spread = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        low, high = ((centre + sign * spread) / (1 + z**2 / n) for sign in (-1, 1))
        # Rounding must not put the bound of 0 out of 10 above 0.
        return max(0.0, min(low, p)), min(1.0, max(high, p))

    @property
    def figures(self) -> dict[str, float]:
        """The accuracy between the ends of its interval, by name."""
        low, high = self.interval
        return {"low": low, "accuracy": self.accuracy, "high": high}

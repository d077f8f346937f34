"""Wilson's interval: how sure a share is that was counted, on however few. Pure."""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Estimate:
    """A figure and its two-sided confidence interval.

    Attributes:
        value: what was measured.
        low: the lower bound.
        high: the upper bound.
    """

    value: float
    low: float
    high: float


def proportion(successes: int, trials: int, level: float) -> Estimate:
    """So many successes of so many trials, as a share with its interval.

    Without trials the value is 0, as in scikit-learn, and the interval says nothing: [0, 1].

    Args:
        successes: from 0 to ``trials``.
        trials: 0 or more.
        level: the two-sided confidence level, as 0.95.
    """
    if trials == 0:
        return Estimate(0.0, 0.0, 1.0)
    return mean_share(successes / trials, trials, level)


def mean_share(mean: float, trials: int, level: float) -> Estimate:
    """The mean over trials of a share from 0 to 1 that each of them has.

    The score interval of Wilson (1927), "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, 209-212. It is a proportion's,
    and wide enough for any such mean: of all that lies between 0 and 1 and has this mean, nothing
    varies more than what is either 0 or 1 (Bhatia and Davis, 2000).

    Args:
        mean: from 0 to 1.
        trials: 1 or more.
        level: the two-sided confidence level, as 0.95.
    """
    z = quantile(level)
    scale = 1 + z**2 / trials
    middle = (mean + z**2 / (2 * trials)) / scale
    reach = z * math.sqrt(mean * (1 - mean) / trials + z**2 / (4 * trials**2)) / scale
    # Rounding must not put the bound of 0 out of 10 above 0.
    return Estimate(mean, max(0.0, min(middle - reach, mean)), min(1.0, max(middle + reach, mean)))


def quantile(level: float) -> float:
    """The standard normal quantile of a two-sided level: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)

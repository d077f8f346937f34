"""Confidence intervals for proportions and their differences. Pure."""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Interval:
    """A figure and its two-sided confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    count: int
    total: int


def wilson(share: Share, level: float) -> Interval:
    """A proportion with Wilson's (1927) score interval; of nothing, [0, 1].

    Args:
        share: ``count`` successes in ``total`` trials.
        level: the two-sided confidence level, as 0.95.
    """
    if share.total == 0:
        return Interval(0.0, 0.0, 1.0)
    n, value, z = share.total, share.count / share.total, quantile(level)
    centre = value + z**2 / (2 * n)
    spread = z * math.sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # Rounding must not put the bound of 0 out of 10 above 0.
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return Interval(value, max(0.0, min(low, value)), min(1.0, max(high, value)))


def difference(first: Share, second: Share, level: float) -> Interval:
    """The first proportion minus the second, with Newcombe's hybrid score interval.

    Newcombe (1998), "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Statist. Med. 17:873-890, method 10: with Wilson's bounds l and
    u of either proportion p::

        low  = p1 - p2 - sqrt((p1 - l1)² + (u2 - p2)²)
        high = p1 - p2 + sqrt((u1 - p1)² + (p2 - l2)²)
    """
    one, two = wilson(first, level), wilson(second, level)
    value = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Interval(value, value - below, value + above)


def needed(margin: float, level: float) -> int:
    """The fewest requests on which a canary without a failure is shown to be within ``margin``.

    Where neither has failed, :func:`difference` has the upper bound z² / (n + z²), n the canary's
    requests.
    """
    z = quantile(level)
    return math.ceil(z**2 * (1 - margin) / margin)


def quantile(level: float) -> float:
    """The standard normal quantile of a two-sided level: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)

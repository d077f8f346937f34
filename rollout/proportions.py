"""Proportions, and how sure their differences are. Pure."""

import math
from dataclasses import dataclass

from intervals.wilson import Estimate, proportion, quantile


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    count: int
    total: int

    def estimate(self, level: float) -> Estimate:
        """The proportion with Wilson's interval at the two-sided ``level``; of nothing, [0, 1]."""
        return proportion(self.count, self.total, level)


def difference(first: Share, second: Share, level: float) -> Estimate:
    """The first proportion minus the second, with Newcombe's hybrid score interval.

    Newcombe (1998), "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Statist. Med. 17:873-890, method 10: with Wilson's bounds l and
    u of either proportion p::

        low  = p1 - p2 - sqrt((p1 - l1)² + (u2 - p2)²)
        high = p1 - p2 + sqrt((u1 - p1)² + (p2 - l2)²)
    """
    one, two = first.estimate(level), second.estimate(level)
    value = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Estimate(value, value - below, value + above)


def needed(margin: float, level: float) -> int:
    """The fewest requests on which a canary without a failure is shown to be within ``margin``.

    Where neither has failed, :func:`difference` has the upper bound z² / (n + z²), n the canary's
    requests.
    """
    z = quantile(level)
    return math.ceil(z**2 * (1 - margin) / margin)

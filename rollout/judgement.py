"""Whether a canary may go to production, from what it and production have counted. Pure."""

import enum
from dataclasses import dataclass

from intervals.wilson import Estimate
from rollout.figures import Counts
from rollout.proportions import Share, difference, needed


class Decision(enum.IntEnum):
    """What to do with the canary; the value is the exit code."""

    PROMOTE = 0
    WITHDRAW = 3
    HOLD = 4


@dataclass(frozen=True)
class Limits:
    """What is asked of a canary.

    Attributes:
        min_requests: of either side, below which nothing is decided.
        confidence: the two-sided level of the intervals.
        error_margin: by how much its share of failed requests may be larger than production's.
        slow_margin: the same for its share of slow requests.
    """

    min_requests: int
    confidence: float
    error_margin: float
    slow_margin: float

    def requests(self) -> int:
        """The fewest requests on which a canary like production can be told to be so."""
        margin = min(self.error_margin, self.slow_margin)
        return max(self.min_requests, needed(margin, self.confidence))


@dataclass(frozen=True)
class Comparison:
    """A share of the requests on either side.

    Attributes:
        name: what these requests were, as ``failed``.
        production: of production's.
        canary: of the canary's.
        difference: the canary's share minus production's.
        margin: what that may be.
    """

    name: str
    production: Share
    canary: Share
    difference: Estimate
    margin: float

    @property
    def decision(self) -> Decision:
        """Promote where it is surely within the margin, withdraw where it seems or surely is worse.

        It is within the margin where the whole interval is, and worse where the difference is
        beyond the margin or the whole interval above 0. Between them more requests decide.
        """
        if self.difference.high <= self.margin:
            return Decision.PROMOTE
        if self.difference.value > self.margin or self.difference.low > 0:
            return Decision.WITHDRAW
        return Decision.HOLD

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        shares = " and ".join(
            f"{side} {share.count} of {share.total}"
            for side, share in (("production", self.production), ("canary", self.canary))
        )
        found = self.difference
        return (
            f"{self.name}: {shares}; the canary's share is {100 * found.value:+.2f} points "
            f"({100 * found.low:+.2f} to {100 * found.high:+.2f}) against production's, "
            f"{100 * self.margin:g} allowed"
        )


@dataclass(frozen=True)
class Judgement:
    """What to do with a canary, and why."""

    decision: Decision
    reasons: tuple[str, ...]
    comparisons: tuple[Comparison, ...]


def judge(production: Counts, canary: Counts, limits: Limits) -> Judgement:
    """Compare a canary with production; too few requests to either decide nothing."""
    comparisons = (
        _compare("failed", _failed(production), _failed(canary), limits, limits.error_margin),
        _compare("slow", _slow(production), _slow(canary), limits, limits.slow_margin),
    )
    few = tuple(
        f"too few requests to {side}: {seen} of {limits.requests()} needed"
        for side, counts in (("production", production), ("the canary", canary))
        if (seen := min(counts.requests, counts.timed)) < limits.requests()
    )
    if few:
        return Judgement(Decision.HOLD, few, comparisons)
    decisions = {comparison.decision for comparison in comparisons}
    decision = next(
        d for d in (Decision.WITHDRAW, Decision.HOLD, Decision.PROMOTE) if d in decisions
    )
    reasons = tuple(c.sentence for c in comparisons if c.decision == decision)
    return Judgement(decision, reasons, comparisons)


def _compare(
    name: str, production: Share, canary: Share, limits: Limits, margin: float
) -> Comparison:
    found = difference(canary, production, limits.confidence)
    return Comparison(name, production, canary, found, margin)


def _failed(counts: Counts) -> Share:
    return Share(counts.errors, counts.requests)


def _slow(counts: Counts) -> Share:
    return Share(counts.slow, counts.timed)

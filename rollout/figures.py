"""What a pod's ``/metrics`` says of the requests it has answered. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from rollout.errors import Unreadable

REQUESTS = "classifier_requests_total"
BUCKETS = "classifier_request_seconds_bucket"
TIMED = "classifier_request_seconds_count"
STARTED = "process_start_time_seconds"


@dataclass(frozen=True)
class Counts:
    """Requests since a process started, or within a while.

    Attributes:
        requests: POSTs that were answered.
        errors: those of them that were answered with a 5xx.
        timed: requests whose time is known.
        slow: those of them that took longer than the bound.
    """

    requests: int = 0
    errors: int = 0
    timed: int = 0
    slow: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.requests + other.requests,
            self.errors + other.errors,
            self.timed + other.timed,
            self.slow + other.slow,
        )

    def __sub__(self, other: "Counts") -> "Counts":
        return self + Counts(-other.requests, -other.errors, -other.timed, -other.slow)

    def any_below(self, other: "Counts") -> bool:
        """Whether anything was counted fewer times than in ``other``."""
        return any(now < before for now, before in zip(astuple(self), astuple(other), strict=True))


@dataclass(frozen=True)
class Reading:
    """One look at one process: what it has counted since ``started``, in seconds since 1970."""

    counts: Counts
    started: float


def read(exposition: str, routes: Collection[str], slow_seconds: float) -> Reading:
    """Take the figures from what Prometheus reads.

    Raises:
        Unreadable: it is not Prometheus' text, or its histogram has no such bound.
    """
    try:
        families = list(text_string_to_metric_families(exposition))
    except ValueError as error:
        raise Unreadable(f"/metrics is not in Prometheus' text format: {error}") from None
    samples = [sample for family in families for sample in family.samples]
    ours = [sample for sample in samples if sample.labels.get("route") in routes]
    requests = [s for s in ours if s.name == REQUESTS and s.labels.get("method") == "POST"]
    timed = _sum(s for s in ours if s.name == TIMED)
    return Reading(
        Counts(
            requests=_sum(requests),
            errors=_sum(s for s in requests if s.labels.get("status", "").startswith("5")),
            timed=timed,
            slow=timed - _quick([s for s in ours if s.name == BUCKETS], slow_seconds),
        ),
        started=max((s.value for s in samples if s.name == STARTED), default=0.0),
    )


def _quick(buckets: Collection[Sample], bound: float) -> int:
    """How many took at most ``bound`` seconds."""
    bounds = {float(bucket.labels["le"]) for bucket in buckets}
    if bounds and bound not in bounds:
        known = ", ".join(f"{known:g}" for known in sorted(bounds))
        raise Unreadable(
            f"ROLLOUT_SLOW_SECONDS={bound:g} is no bound of the service's histogram: use one of "
            f"{known}"
        )
    return _sum(bucket for bucket in buckets if float(bucket.labels["le"]) == bound)


def _sum(samples: Iterable[Sample]) -> int:
    return int(sum(sample.value for sample in samples))

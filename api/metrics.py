"""What the service counts, for Prometheus to read.

Each :class:`Metrics` has a registry of its own, so that two applications in one process do not
count for each other. What other objects know anyway, they are asked for when somebody reads.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from http import HTTPMethod
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.holder import Answer, Holder

Item = TypeVar("Item")

# The oldest text format: every reader takes it, whatever its Accept header says.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

NO_ROUTE = "none"
METHODS = frozenset(HTTPMethod)
OTHER_METHOD = "other"

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)


# A second series beside each, of when it began, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The counts of one service; any thread may add to them and read them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._requests = Counter(
            "classifier_requests",
            "Requests that were answered or refused.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "classifier_request_seconds",
            "Seconds from the whole request to its answer, without waiting for a thread.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._batch_size = Histogram(
            "classifier_batch_size",
            "Images in one call of the model.",
            buckets=IMAGES,
            registry=self._registry,
        )
        self._confidence = Histogram(
            "classifier_confidence",
            "Probability of the class that was answered.",
            buckets=CONFIDENCES,
            registry=self._registry,
        )
        self._answers = Counter(
            "classifier_answers", "Answers of the model.", ("class",), registry=self._registry
        )

    def read_also(self, collector: Collector) -> None:
        """Add what ``collector`` knows to what is read."""
        self._registry.register(collector)

    def count_request(self, rule: str | None, method: str, status: int, seconds: float) -> None:
        """Count a request that the application has answered.

        Args:
            rule: the rule of its route, of which there are few; None where it has none.
            method: as the caller sent it, who may have made it up.
            status: of the answer.
            seconds: that it took.
        """
        self.count_refusal(rule, method, status)
        self._seconds.labels(rule or NO_ROUTE).observe(seconds)

    def count_refusal(self, rule: str | None, method: str, status: int) -> None:
        """Count a request that the application never had; the arguments are the same."""
        method = method if method in METHODS else OTHER_METHOD
        self._requests.labels(rule or NO_ROUTE, method, str(status)).inc()

    def watch(
        self, predict: Callable[[Sequence[Item]], Sequence[Answer]]
    ) -> Callable[[Sequence[Item]], Sequence[Answer]]:
        """``predict``, with its calls and answers counted."""

        def counted(items: Sequence[Item]) -> Sequence[Answer]:
            self._batch_size.observe(len(items))
            answers = predict(items)
            for answer in answers:
                self._confidence.observe(answer.confidence)
                self._answers.labels(_encodable(answer.label)).inc()
            return answers

        return counted

    def exposition(self) -> bytes:
        """Everything, in :data:`CONTENT_TYPE`."""
        return generate_latest(self._registry)


class StateCollector(Collector):
    """What can be read off the service itself, at the moment of reading.

    Args:
        holder: the model that serves.
        waiting: how many images wait for the model.
        failures: how many looks for the model to serve have failed.
    """

    def __init__(
        self, holder: Holder, waiting: Callable[[], int], failures: Callable[[], int]
    ) -> None:
        self._holder = holder
        self._waiting = waiting
        self._failures = failures

    def collect(self) -> Iterator[Metric]:
        """Read everything once."""
        yield GaugeMetricFamily(
            "classifier_queue_depth", "Images that wait for the model.", self._waiting()
        )
        yield CounterMetricFamily(
            "classifier_model_swaps",
            "Times that another version came to serve, the first one included.",
            self._holder.swaps,
        )
        yield CounterMetricFamily(
            "classifier_refresh_failures",
            "Looks for the model to serve that have failed.",
            self._failures(),
        )
        yield from self._model()

    def _model(self) -> Iterator[Metric]:
        """The model that serves; no samples where there is none."""
        info = GaugeMetricFamily(
            "classifier_model_info",
            "The model that serves, and what runs it.",
            labels=("version", "runtime", "precision"),
        )
        since = GaugeMetricFamily(
            "classifier_model_since_timestamp_seconds",
            "When this process began to serve the model, in seconds since 1970.",
        )
        model = self._holder.current
        if model is not None:
            running = model.classifier
            info.add_metric([model.version, running.runtime, running.precision], 1)
            since.add_metric([], datetime.fromisoformat(model.since).timestamp())
        yield info
        yield since


def _encodable(label: str) -> str:
    """``label`` as UTF-8 can hold it: JSON can name a class by half of a character."""
    return label.encode(errors="replace").decode()

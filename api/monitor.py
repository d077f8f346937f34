"""Watching what the model that serves answers, for drift.

A window that is not full when the process ends, or when another version comes to serve, is lost:
answers of two models, or of two days, are not one sample.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.alert import Alert
from alerts.sender import AlertSender
from api.drift import Comparison, Windows
from api.holder import Answer, Holder, Snapshot
from api.settings import DriftSettings
from registry import answers

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


class NotWatched(Exception):
    """A version's answers cannot be watched, or are not to be; the message says why."""


class Monitor(Collector):
    """Compares live answers with those on the gate's held-out images.

    One thread at a time may call what :meth:`watch` returns; any may read the metrics.

    Args:
        holder: the model that serves.
        alerts: who is told of drift.
        settings: the window, and how often a false alarm is worth it.
    """

    def __init__(self, holder: Holder, alerts: AlertSender, settings: DriftSettings) -> None:
        self._holder = holder
        self._alerts = alerts
        self._settings = settings
        self._version = ""
        self._windows: Windows | None = None  # of that version; None if there is nothing to watch
        self._latest: list[Comparison] = []
        self._full = 0  # windows, since the process began

    def watch(
        self, predict: Callable[[Sequence[Item]], Sequence[Answer]]
    ) -> Callable[[Sequence[Item]], Sequence[Answer]]:
        """``predict``, with its answers watched."""

        def watched(items: Sequence[Item]) -> Sequence[Answer]:
            given = predict(items)
            self.observe(given)
            return given

        return watched

    def observe(self, given: Sequence[Answer]) -> None:
        """Take note of answers of one version."""
        model = self._holder.current
        if not given or model is None or given[0].version != model.version:
            return  # of a model that has just been exchanged
        if model.version != self._version:
            self._begin(model)
        if self._windows is None:
            return
        classes = [answer.index for answer in given]
        confidence = [answer.confidence for answer in given]
        for comparisons in self._windows.add(classes, confidence):
            self._close(comparisons)

    def collect(self) -> Iterator[Metric]:
        """The figures of the latest window; no samples before the first."""
        index = GaugeMetricFamily(
            "classifier_drift_index",
            "Population stability index of the latest window against the held-out images.",
            labels=("figure",),
        )
        limit = GaugeMetricFamily(
            "classifier_drift_limit", "What that exceeds if it has drifted.", labels=("figure",)
        )
        for comparison in self._latest:
            index.add_metric([comparison.figure], comparison.index)
            limit.add_metric([comparison.figure], comparison.limit)
        yield index
        yield limit
        yield CounterMetricFamily(
            "classifier_drift_windows", "Windows of answers that were compared.", self._full
        )

    def _begin(self, model: Snapshot) -> None:
        """Watch another version, from the next answer on."""
        self._version, self._windows, self._latest = model.version, None, []
        try:
            self._windows = self._open(model)
        except NotWatched as error:
            logger.info("drift of version %s is not watched: %s", model.version[:12], error)

    def _open(self, model: Snapshot) -> Windows:
        """The first window of a version, or NotWatched."""
        held_out = answers.read(model.verdict.metrics) if model.verdict else None
        classes, size = model.labels.classes, self._settings.window
        if size == 0:
            raise NotWatched("DRIFT_WINDOW is 0")
        if held_out is None or len(held_out.classes) != len(classes):
            raise NotWatched("its verdict does not say how held-out images were answered")
        windows = Windows(held_out, classes, size, self._settings.false_alarms)
        if not windows.watched:
            raise NotWatched(
                f"{held_out.images} held-out images against windows of {size} answers are too few"
            )
        return windows

    def _close(self, comparisons: list[Comparison]) -> None:
        drifting = {each.figure for each in self._latest if each.drifted}
        self._latest = comparisons
        self._full += 1
        for comparison in comparisons:
            if comparison.drifted:
                new = comparison.figure not in drifting
                self._report(comparison, logging.WARNING if new else logging.INFO)

    def _report(self, found: Comparison, level: int) -> None:
        settings = self._settings
        body = (
            f"Of the last {settings.window} answers of version {self._version}, "
            f"{100 * found.seen:.1f} % were of {found.cell}, against "
            f"{100 * found.expected:.1f} % on held-out images. The population stability index is "
            f"{found.index:.3f}, and above {found.limit:.3f} without drift in about "
            f"{100 * settings.false_alarms:g} % of windows.\n\n"
            "See what callers send now, and train on such images if they are to stay."
        )
        subject = f"the {found.figure} of the answers has drifted"
        self._alerts.send(Alert(f"drift: {found.figure}", subject, body, level))

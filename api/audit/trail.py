"""The audit trail as the routes know it."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote

from flask import g, request
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.audit.buffer import Buffer
from api.audit.entry import Entry, answered, new_id
from api.audit.settings import AuditSettings
from api.audit.store import Store
from api.audit.writer import Writer
from api.metrics import METHODS, OTHER_METHOD
from database.breaker import Breaker

logger = logging.getLogger(__name__)

PATH = 1000  # characters of a path that are kept


class Trail(Collector):
    """Takes note of requests, and lets them be read.

    Args:
        buffer: where they wait.
        writer: what writes them.
        store: where they are written.
        settings: what is kept, and who may read it.

    Attributes:
        store: where they are.
        public: whether everybody may read them.
        breaker: what callers reach the store through.
    """

    def __init__(
        self, buffer: Buffer, writer: Writer, store: Store, settings: AuditSettings
    ) -> None:
        self._buffer = buffer
        self._writer = writer
        self._keep_images = settings.images
        self.store = store
        self.breaker = Breaker()
        self.public = settings.public

    def start(self) -> None:
        """Start writing; call it once, after any fork."""
        self._writer.start()

    def stop(self, timeout: float) -> bool:
        """Write what waits, within ``timeout`` seconds; False if a thread is left behind."""
        return self._writer.stop(timeout)

    def record(self, status: int, seconds: float) -> None:
        """Take note of the request that is being answered. Never waits, never raises."""
        try:
            self._buffer.put(self._entry(status, seconds))
        except Exception:  # the caller is to have the answer all the same
            logger.exception("a request is missing from the audit trail")

    def flush(self, timeout: float) -> bool:
        """Wait until what was recorded before is written.

        Returns:
            Whether it is: not if that takes too long, and not while the database is away.
        """
        return not self._writer.away and self._buffer.flush(timeout)

    def collect(self) -> Iterator[Metric]:
        """What became of the requests, and what callers say of the answers."""
        yield CounterMetricFamily(
            "classifier_audit_written",
            "Requests that were written to the audit trail.",
            self._buffer.written,
        )
        yield CounterMetricFamily(
            "classifier_audit_lost",
            "Requests that are missing from the audit trail.",
            self._buffer.lost,
        )
        yield CounterMetricFamily(
            "classifier_audit_images_left_out",
            "Images that were not kept, as their users have as many as may be.",
            self._writer.left_out,
        )
        yield GaugeMetricFamily(
            "classifier_audit_waiting",
            "Requests that wait to be written to the audit trail.",
            len(self._buffer),
        )
        yield from self._ratings()

    def _ratings(self) -> Iterator[Metric]:
        images = GaugeMetricFamily(
            "classifier_feedback_images",
            "Images of which a caller has told the true class, of the latest 10,000.",
            labels=("version",),
        )
        accuracy = GaugeMetricFamily(
            "classifier_feedback_accuracy",
            "The part of them that was answered with that class, and its confidence interval.",
            labels=("version", "figure"),
        )
        for rating in self._writer.ratings:
            images.add_metric([rating.version], rating.images)
            for figure, value in rating.figures.items():
                accuracy.add_metric([rating.version, figure], value)
        yield images
        yield accuracy

    def _entry(self, status: int, seconds: float) -> Entry:
        now = datetime.now(UTC)
        # What was answered may be lost on the way to the caller, as where explaining it fails.
        images = g.get("images") if status < HTTPStatus.BAD_REQUEST else None
        return Entry(
            id=new_id(now),
            request_id=g.request_id,
            at=now,
            user_id=account.id if (account := g.get("account")) else None,
            method=request.method if request.method in METHODS else OTHER_METHOD,
            path=quote(request.path)[:PATH],
            status=status,
            milliseconds=round(1000 * seconds, 1),
            answers=()
            if images is None
            else answered(images, g.answers, g.labels, self._keep_images),
        )

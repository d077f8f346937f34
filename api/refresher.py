"""Watching what is in production, and exchanging the model that serves when it changes.

Nothing that goes wrong here ever unloads the model that serves, and a production that is empty is
something that goes wrong: a volume that is not mounted looks the same.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alerts.alert import Alert
from alerts.sender import AlertSender
from api import memory
from api.errors import NothingInProduction
from api.holder import Holder, Snapshot
from api.source import Obtained, Source, Wanted
from classifier.labels import Labels
from process.backoff import Backoff
from process.errors import Failure
from registry.errors import Untrusted

if TYPE_CHECKING:
    from classifier.runtime import Classifier

logger = logging.getLogger(__name__)

BACKOFF = Backoff(first=1, longest=60)
KEEPING = Backoff(first=2, longest=600)  # each try fetches the model once more
NOT_KEPT = "the model that serves is not kept"


class Refresher:
    """Looks for the model to serve in a thread of its own, for as long as the service runs.

    Args:
        source: where models come from.
        holder: where the model that serves is put.
        load: from a version to a classifier that is checked and warm.
        alerts: who is told of what goes wrong.
        seconds: between two looks, when all is well.
        backoff: how long to leave a registry or a version alone that has failed.
        clock: seconds that never go back.

    Attributes:
        failures: how many looks did not see to it that what should serve does.
    """

    def __init__(
        self,
        source: Source,
        holder: Holder,
        load: Callable[[Obtained], "Classifier"],
        alerts: AlertSender,
        seconds: float,
        backoff: Backoff = BACKOFF,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._holder = holder
        self._load = load
        self._alerts = alerts
        self._seconds = seconds
        self._backoff = backoff
        self._clock = clock
        self.failures = 0
        self._misses = 0  # looks in a row that could not tell what is in production
        self._bad_version, self._failures, self._retry_at = "", 0, 0.0
        self._unkept, self._keep_at = 0, 0.0  # tries in a row that found no room in the cache
        self._fell_back = False
        self._reported = ""  # the key of the alert that was sent last, if its cause persists
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)

    def initialise(self) -> None:
        """Make sure that a model is being looked for, now rather than after a back-off.

        The first call starts the thread, and belongs after any fork.
        """
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()
            elif self._holder.current is None:
                self._wake.set()

    def stop(self, timeout: float) -> bool:
        """End, after the look in progress; False if that takes longer than ``timeout`` seconds."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def look(self) -> float:
        """Look once, and see to it that what should serve does; the seconds until the next look."""
        try:
            wanted = self._source.wanted()
        except Exception as error:
            self.failures += 1
            self._misses += 1
            self._fall_back()
            self._report(error, _headline(error))
            return self._backoff.delay(self._misses)
        self._misses = 0
        self._adopt(wanted)
        return self._seconds

    def _run(self) -> None:
        while not self._stopping.is_set():
            delay = self.look()
            self._wake.wait(delay)
            self._wake.clear()

    def _adopt(self, wanted: Wanted) -> None:
        if wanted.version == self._bad_version and self._clock() < self._retry_at:
            return
        serving = self._holder.current
        if serving is None and wanted.version != self._bad_version:
            self._holder.problem = f"version {wanted.version[:12]} is being loaded"
        try:
            if serving is not None and serving.version == wanted.version:
                self._renew(serving, wanted)
            else:
                self._serve(wanted)
        except Exception as error:
            self._fall_back()
            self._refuse(wanted.version, error)
        else:
            self._bad_version = ""
            self._keep_again(wanted)
            self._settle()

    def _keep_again(self, wanted: Wanted) -> None:
        """Look from time to time whether the cache has room by now."""
        if self._source.unkept is None or self._clock() < self._keep_at:
            return
        if self._unkept:  # or else it has just been tried
            try:
                self._source.keep(wanted)
            except Exception as error:
                logger.warning("what serves cannot be kept yet: %s", error)
        self._unkept += 1
        self._keep_at = self._clock() + KEEPING.delay(self._unkept)

    def _settle(self) -> None:
        """What should serve does, though perhaps the next start will lack a copy of it."""
        unkept = self._source.unkept
        if unkept is None:
            self._holder.problem = self._reported = ""
            self._unkept, self._keep_at = 0, 0.0
        elif not self._holder.problem.startswith(NOT_KEPT):
            self._report(unkept, NOT_KEPT)

    def _refuse(self, version: str, error: Exception) -> None:
        self.failures += 1
        self._failures = self._failures + 1 if version == self._bad_version else 1
        self._bad_version = version
        self._retry_at = self._clock() + self._backoff.delay(self._failures)
        self._report(error, f"cannot serve version {version[:12]}")

    def _fall_back(self) -> None:
        """At the start, serve what served last if what should serve now cannot be had."""
        if self._holder.current is not None or self._fell_back:
            return
        self._fell_back = True
        try:
            last = self._source.last_served()
            if last is not None:
                self._serve(last, from_cache=True)
        except Exception as error:
            self._report(error, "cannot serve what served last")

    def _renew(self, serving: Snapshot, wanted: Wanted) -> None:
        """Bring the record up to date: the same version may have been promoted again."""
        record = wanted.state.record if wanted.state else None
        if serving.record != record or serving.from_cache:
            _, found = self._source.vouch(wanted)
            verdict = self._source.verdict(wanted, found)
            self._holder.swap(replace(serving, record=record, from_cache=False, verdict=verdict))
            self._source.remember(wanted)

    def _serve(self, wanted: Wanted, from_cache: bool = False) -> None:
        before = self._holder.current
        with self._source.obtain(wanted, before.version if before else "") as obtained:
            classifier = self._load(obtained)
        card = obtained.card
        self._holder.swap(
            Snapshot(
                classifier=classifier,
                labels=Labels(card.classes, card.threshold),
                version=wanted.version,
                record=wanted.state.record if wanted.state else None,
                since=datetime.now(UTC).isoformat(timespec="seconds"),
                card=card,
                from_cache=from_cache,
                verdict=obtained.verdict,
            )
        )
        logger.info(
            "serving version %s with %s, %s",
            wanted.version,
            classifier.runtime,
            classifier.precision,
            extra={"version": wanted.version},
        )
        self._source.remember(wanted)
        gone = before.classifier.runtime if before else None
        del before
        memory.give_back(gone)

    def _report(self, error: Exception, what: str) -> None:
        """Say why what should serve does not: to ``/ready``, to the log and to the operators."""
        key = f"{what}: {type(error).__name__}"
        level = logging.INFO if key == self._reported else logging.WARNING
        self._reported = key
        if isinstance(error, Failure | OSError):
            why = str(error)
        else:
            why = f"an unexpected {type(error).__name__}, which the log explains"
            logger.error("%s", what, exc_info=error)
        self._holder.problem = f"{what}: {why}"
        serving = self._holder.current
        state = f"Version {serving.version} goes on serving." if serving else "No model serves."
        body = f"{why}.\n\n{state} The service keeps trying."
        self._alerts.send(Alert(key, what, body, level))


def _headline(error: Exception) -> str:
    """What it means for the service that it cannot tell what to serve."""
    if isinstance(error, NothingInProduction):
        return "production is empty"
    if isinstance(error, Untrusted):
        return f"what is in production is not trusted ({error.reason})"
    return "cannot tell which model is in production"

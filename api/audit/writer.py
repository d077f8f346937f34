"""The thread that writes the audit trail, and deletes what has been kept for long enough."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy.exc import ProgrammingError

from alerts.alert import Alert
from alerts.sender import AlertSender
from api.audit.buffer import Buffer
from api.audit.entry import Entry
from api.audit.ratings import Rating
from api.audit.settings import AuditSettings
from database.errors import DatabaseError
from process.backoff import Backoff

logger = logging.getLogger(__name__)

BACKOFF = Backoff(first=0.5, longest=15)
BATCH = 1000  # rows that are written, or requests that are deleted, in one transaction
CHORES = 60.0  # seconds between two looks at what else there is to do

# The last one is a right that is missing, or a table: what an operator mends, and not the entry.
AWAY = (DatabaseError, ProgrammingError)


class Keeps(Protocol):
    """What the thread does with a store."""

    def write(self, entries: Sequence[Entry]) -> int:
        """Add entries, each once; how many of their images were left out."""

    def forget(self, before: datetime, most: int) -> bool:
        """Delete some of what is older; whether there may be more."""

    def ratings(self) -> list[Rating]:
        """What callers say of the answers."""


class Writer:
    """Writes what waits, in a thread of its own, for as long as it takes.

    A database that is away is tried again, with back-off. An entry that the database will not
    have is lost, and counted.

    Args:
        buffer: what waits.
        store: where it is written.
        alerts: who is told of what goes wrong.
        settings: how long to gather, and to keep.
        backoff: how long to leave a database alone that has failed.
        clock: seconds that never go back.

    Attributes:
        ratings: what callers said of the answers, about a minute ago.
        left_out: images that were not kept, as their users have as many as may be.
    """

    def __init__(
        self,
        buffer: Buffer,
        store: Keeps,
        alerts: AlertSender,
        settings: AuditSettings,
        backoff: Backoff = BACKOFF,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buffer = buffer
        self._store = store
        self._alerts = alerts
        self._settings = settings
        self._backoff = backoff
        self._clock = clock
        self._failures = 0  # in a row
        self._told = 0  # lost entries that the operators know of
        self._losing = False  # whether there were more when they were told last
        self._chores_at = clock()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self.ratings: list[Rating] = []
        self.left_out = 0

    @property
    def away(self) -> bool:
        """Whether the database was, when it was tried last."""
        return self._failures > 0

    def start(self) -> None:
        """Start writing; call it once, after any fork."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Write what waits, within ``timeout`` seconds, and end.

        Returns:
            Whether the thread has ended; what it could not write is lost, and reported.
        """
        self._buffer.close(timeout)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        if left := len(self._buffer):
            self._report_lost(left, "The service has ended before the database came back.")
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (batch := self._buffer.take(self._settings.interval, self._patience())) is not None:
            if not batch or self._write(batch):
                self._do_chores()

    def _patience(self) -> float:
        return max(0.0, self._chores_at - self._clock())

    def _write(self, batch: Sequence[Entry]) -> bool:
        """Write the oldest entries; False if they go on waiting, as the database is away."""
        try:
            left_out = self._store.write(batch)
        except AWAY as error:
            self._wait_after(error)
            return False
        except Exception as error:
            if len(batch) > 1:
                return all(self._write([entry]) for entry in batch)
            logger.error("an entry of the audit trail is lost: %r", batch[0], exc_info=error)
            self._buffer.settle(1, written=False)
            self._tell_lost("The database does not take them; the log says why.")
        else:
            self._note_left_out(left_out)
            self._buffer.settle(len(batch), written=True)
            self._recover()
        return True

    def _wait_after(self, error: Exception) -> None:
        self._failures += 1
        delay = self._backoff.delay(self._failures)
        body = (
            f"{error}.\n\nRequests are answered as ever, and wait to be written. The next try is "
        )
        body += f"in {delay:.1f} s."
        level = logging.WARNING if self._failures == 1 else logging.INFO
        self._alerts.send(Alert("audit", "the audit trail cannot be written", body, level))
        self._tell_lost("There is no room for more until the database comes back.")
        self._buffer.pause(delay)

    def _recover(self) -> None:
        if self._failures:
            logger.info("the audit trail is written again, after %d failures", self._failures)
            self._failures = 0
        self._tell_lost("The database was slower than the requests came, or away.")

    def _note_left_out(self, count: int) -> None:
        if count and not self.left_out:
            most = self._settings.images_per_user
            logger.warning(
                "a user has sent %d images, and no more are kept of one (AUDIT_IMAGES_PER_USER); "
                "classifier_audit_images_left_out_total counts them, of this user and others",
                most,
            )
        self.left_out += count

    def _tell_lost(self, why: str) -> None:
        lost = self._buffer.lost
        if lost > self._told:
            self._report_lost(lost - self._told, why)
        self._losing, self._told = lost > self._told, lost

    def _report_lost(self, count: int, why: str) -> None:
        subject = "requests are missing from the audit trail"
        body = f"{why} Lost since the last report: {count}."
        level = logging.INFO if self._losing else logging.WARNING
        self._alerts.send(Alert("audit lost", subject, body, level))

    def _do_chores(self) -> None:
        """Now and then, delete what is old, a part at a time, and count what callers say."""
        if self._patience() > 0:
            return
        self._chores_at = self._clock() + CHORES
        try:
            if self._delete_old():
                self._chores_at = self._clock()
            self.ratings = self._store.ratings()
        except Exception as error:
            logger.warning("the audit trail is not kept in order: %r", error)

    def _delete_old(self) -> bool:
        """Delete some; whether there may be more."""
        days = self._settings.retention_days
        if not days:
            return False
        return self._store.forget(datetime.now(UTC) - timedelta(days=days), BATCH)

"""The e-mails that wait for the mail server, in the order of their next tries."""

import heapq
import threading
import time
from dataclasses import dataclass, field
from email.message import EmailMessage

from process.backoff import Backoff


@dataclass(order=True)
class Pending:
    """An e-mail that is not delivered yet. They are ordered by their next try.

    Attributes:
        due: when to try next, on the monotonic clock.
        number: counts the e-mails, so that those due at once keep their order.
        message: the e-mail.
        since: when it was put into the outbox.
        failures: how many tries have failed.
        reason: why it is not delivered yet.
    """

    due: float
    number: int
    message: EmailMessage = field(compare=False)
    since: float = field(compare=False)
    failures: int = field(compare=False, default=0)
    reason: str = field(compare=False, default="there was no time for a try")


class Outbox:
    """Passes e-mails from any thread to the one that delivers them.

    An e-mail waits here until that thread takes it, and stays on the books until it is settled:
    so that one which is still under way when time runs out is drained with the others.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._changed = threading.Condition()
        self._waiting: list[Pending] = []
        self._taken: Pending | None = None
        self._count = 0
        self._deadline: float | None = None

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting) + (self._taken is not None)

    def put(self, message: EmailMessage) -> None:
        """Add an e-mail that is due now."""
        with self._changed:
            now = time.monotonic()
            self._count += 1
            heapq.heappush(self._waiting, Pending(now, self._count, message, since=now))
            self._changed.notify_all()

    def take(self) -> Pending | None:
        """Wait for the next e-mail that is due; None once closed and nothing is due in time."""
        with self._changed:
            while True:
                due = self._waiting[0].due if self._waiting else None
                now = time.monotonic()
                if self._deadline is not None and (due is None or max(due, now) >= self._deadline):
                    return None
                if due is not None and due <= now:
                    self._taken = heapq.heappop(self._waiting)
                    self._taken.reason = "the mail server has not answered in time"
                    return self._taken
                self._changed.wait(None if due is None else due - now)

    def put_back(self, pending: Pending, reason: str) -> float | None:
        """Let an e-mail that was taken wait for another try.

        Returns:
            Seconds until then; None if there is to be none: it is too old, or was drained.
        """
        with self._changed:
            now = time.monotonic()
            delay = self._backoff.delay(pending.failures + 1)
            too_old = now + delay - pending.since > self._backoff.give_up_after
            if too_old or not self.settle(pending):
                return None
            pending.failures += 1
            pending.reason = reason
            pending.due = now + delay
            heapq.heappush(self._waiting, pending)
            return delay

    def settle(self, pending: Pending) -> bool:
        """Take an e-mail off the books; False if it was drained before."""
        with self._changed:
            settled = self._taken is pending
            if settled:
                self._taken = None
            return settled

    def close(self, deadline: float) -> None:
        """Make every e-mail due now, and end ``take`` by ``deadline`` on the monotonic clock."""
        with self._changed:
            self._deadline = deadline
            now = time.monotonic()
            for pending in self._waiting:
                pending.due = now
            heapq.heapify(self._waiting)
            self._changed.notify_all()

    def drain(self) -> list[Pending]:
        """Take all that are left off the books: the one under way first."""
        with self._changed:
            taken = [] if self._taken is None else [self._taken]
            left = taken + sorted(self._waiting, key=lambda pending: pending.number)
            self._waiting, self._taken = [], None
            return left

"""What waits to be written to the audit trail.

It is bounded: an entry that finds no room is refused and counted, and one that was let in stays
until it is written, so that nobody can push out what is already known of him by asking for more.
"""

import threading
import time
from collections import deque

from api.audit.entry import Entry


class Buffer:
    """Passes entries from any thread to the one that writes them.

    Of all entries that were put, each was written, is lost, or waits.

    Args:
        capacity: the most rows that wait.
        batch: rows to write at once.

    Attributes:
        written: entries that were written.
        lost: entries that never will be.
    """

    def __init__(self, capacity: int, batch: int) -> None:
        self._capacity = capacity
        self._batch = batch
        self._waiting: deque[Entry] = deque()
        self._rows = 0
        self._hurried = 0  # how many of those that were let in somebody waits for
        self._settled = 0  # of those that were let in, how many wait no more
        self._deadline: float | None = None
        self._changed = threading.Condition()
        self.written = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, entry: Entry) -> bool:
        """Let an entry wait; False if there is no room, or no time left, and it is lost."""
        with self._changed:
            if self._deadline is not None or self._rows + entry.rows > self._capacity:
                self.lost += 1
                return False
            self._waiting.append(entry)
            self._rows += entry.rows
            if len(self._waiting) == 1 or self._rows >= self._batch:
                self._changed.notify_all()
            return True

    def take(self, gather: float, patience: float) -> list[Entry] | None:
        """Wait for entries; they stay here until :meth:`settle` says what became of them.

        Args:
            gather: seconds for which more may come to the first, unless they are enough.
            patience: seconds after which to return without any.

        Returns:
            The oldest entries, as many as make a batch; None if there is nothing left to wait for.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, patience)
            if self._waiting:
                self._changed.wait_for(self._urgent, gather)
            if self._closed and (not self._waiting or self._overdue):
                return None
            return self._first()

    def settle(self, count: int, written: bool) -> None:
        """Take the oldest entries off: they are written, or they never will be."""
        with self._changed:
            self._rows -= sum(self._waiting.popleft().rows for _ in range(count))
            self._settled += count
            if written:
                self.written += count
            else:
                self.lost += count
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until whatever was put before waits no more; False if that takes too long."""
        with self._changed:
            mark = self._settled + len(self._waiting)
            self._hurried = max(self._hurried, mark)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= mark, timeout)

    def pause(self, seconds: float) -> None:
        """Wait; the end of it all cuts this short, once to try again and then for good."""
        with self._changed:
            closed = self._closed
            if self._deadline is not None:
                seconds = min(seconds, max(0.0, self._deadline - time.monotonic()))
            self._changed.wait_for(lambda: self._closed != closed, seconds)

    def close(self, timeout: float) -> None:
        """Let nothing in any more, and make :meth:`take` return None within so many seconds."""
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + timeout
            self._changed.notify_all()

    @property
    def _closed(self) -> bool:
        return self._deadline is not None

    @property
    def _overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _urgent(self) -> bool:
        return self._closed or self._rows >= self._batch or self._hurried > self._settled

    def _first(self) -> list[Entry]:
        """The oldest entries that together have a batch's rows, or the one that has more."""
        taken: list[Entry] = []
        rows = 0
        for entry in self._waiting:
            rows += entry.rows
            if taken and rows > self._batch:
                break
            taken.append(entry)
        return taken

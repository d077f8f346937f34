"""Lines of the log on a pipe, whose reader may stop: only a thread waits for it, and nobody else.

A queue in front of a thread (``logging.handlers.QueueHandler``) has that thread compete with
requests for Python's lock, and loses the latest lines of a process that is killed. Here a line is
written where it is logged, and there is a thread only while that would have to wait.
"""

import logging
import os
import select
import threading
from collections import deque
from contextlib import suppress

ROOM = 2**20  # bytes of lines that wait
FLUSH_WITHIN = 2.0  # seconds

# What a pipe that is ready takes in one piece, without waiting.
PIECE = select.PIPE_BUF  # bytes


class NonBlockingHandler(logging.Handler):
    """Writes lines to a descriptor in their order, and keeps nobody waiting who logs.

    What there is no room for is lost, until all that waits is written; a line says how many then.

    Args:
        descriptor: a pipe, a terminal or a file.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)
        self._waiting: deque[bytes] = deque()
        self._taken = 0  # bytes of what waits
        self._lost = 0  # lines
        self._writing = False  # whether there is a thread
        self._changed = threading.Condition(self.lock)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or let it wait."""
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            if not self._writing and len(line) <= PIECE and self._ready.poll(0):
                os.write(self._descriptor, line)
            else:
                self._put_aside(line)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait until nothing waits, for two seconds at most, as the reader may be gone for good."""
        with self._changed:
            self._changed.wait_for(lambda: not self._writing, FLUSH_WITHIN)

    def _put_aside(self, line: bytes) -> None:
        if self._lost or self._taken + len(line) > ROOM:
            self._lost += 1
            return
        self._append(line)
        if not self._writing:
            threading.Thread(target=self._write_all, name="log", daemon=True).start()
            self._writing = True

    def _append(self, line: bytes) -> None:
        self._waiting.append(line)
        self._taken += len(line)

    def _write_all(self) -> None:
        while line := self._next():
            with suppress(OSError):  # the reader has gone
                self._write(line)

    def _next(self) -> bytes:
        """The line that has waited for longest; empty if none does, and the thread is to end."""
        with self._changed:
            if self._lost and not self._waiting:
                self._append(self._loss())
                self._lost = 0
            line = self._waiting.popleft() if self._waiting else b""
            self._taken -= len(line)
            self._writing = bool(line)
            self._changed.notify_all()
            return line

    def _write(self, line: bytes) -> None:
        for start in range(0, len(line), PIECE):
            self._ready.poll()
            os.write(self._descriptor, line[start : start + PIECE])

    def _loss(self) -> bytes:
        what = "%d lines of the log are lost, as nobody read those before them in time"
        record = logging.LogRecord(
            __name__, logging.WARNING, __file__, 0, what, (self._lost,), None
        )
        return f"{self.format(record)}\n".encode()

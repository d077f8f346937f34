"""Connections that each send one byte a second, and are made anew when they are ended."""

import contextlib
import random
import socket
import threading
from typing import Self

from images import NBYTES
from tests.waiting import until

REQUEST = b"POST / HTTP/1.1\r\nHost: slow\r\nContent-Length: %d\r\n\r\n" % NBYTES
INTERVAL = 1.0  # seconds between two bytes of a connection
WITHIN = 5.0  # seconds


class Slow:
    """Holds connections to a port until the block ends.

    Args:
        port: of the service.
        count: how many.

    Attributes:
        open: how many are open.
        ended: how many were ended by the service.
    """

    def __init__(self, port: int, count: int) -> None:
        self._address = ("127.0.0.1", port)
        self._count = count
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.open = self.ended = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def wait_for(self, count: int, within: float) -> None:
        """Wait until so many are open."""
        until(lambda: self.open >= count, lambda: self.open, within)

    def _run(self) -> None:
        draw = random.Random(8)
        with contextlib.ExitStack() as stack:
            slow = [_Connection(self._address) for _ in range(self._count)]
            for each in slow:
                stack.callback(each.close)
            while not self._enough.wait(INTERVAL):
                draw.shuffle(slow)
                self.ended += sum(not each.drip() for each in slow)
                self.open = sum(each.is_open for each in slow)


class _Connection:
    """One of them."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._sent = 0

    @property
    def is_open(self) -> bool:
        """Whether the service has not ended it."""
        return self._socket is not None

    def drip(self) -> bool:
        """Send the next byte, on a new connection if need be; whether the last one still stood."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, WITHIN)
                self._socket.setblocking(False)
                self._sent = 0
            self._socket.send(REQUEST[self._sent : self._sent + 1] or b"x")
            self._sent += 1
            self._socket.recv(4096)  # 408 or nothing
        except BlockingIOError:
            return True
        except OSError:
            pass
        self.close()
        return False

    def close(self) -> None:
        """End it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

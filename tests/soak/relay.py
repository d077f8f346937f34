"""A way to a server that can be cut and mended, while the server and what it keeps stay."""

import contextlib
import selectors
import socket
import threading
from typing import Self

BLOCK = 2**16  # bytes


class Relay:
    """Passes connections on to a server of this machine, until it is cut.

    Args:
        port: the server's.

    Attributes:
        port: where it listens itself.
    """

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self.port = 0
        self._callers: set[socket.socket] = set()
        self._passing: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def mend(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,))
        self._accepting.start()

    def cut(self) -> None:
        """End every connection, and refuse others."""
        _shut(self._listener)
        self._accepting.join()
        self._listener.close()
        for caller in tuple(self._callers):
            _shut(caller)
        for thread in self._passing:
            thread.join()
        self._passing.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it is cut
            while True:
                caller, _ = listener.accept()
                self._callers.add(caller)
                self._passing.append(threading.Thread(target=self._pass, args=(caller,)))
                self._passing[-1].start()

    def _pass(self, caller: socket.socket) -> None:
        with (
            caller,
            contextlib.suppress(OSError),
            socket.create_connection(self._server) as server,
            selectors.DefaultSelector() as ready,
        ):
            ready.register(caller, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, caller)
            while _move(ready):
                pass
        self._callers.discard(caller)


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        each.shutdown(socket.SHUT_RDWR)


def _move(ready: selectors.BaseSelector) -> bool:
    """Pass on what has come; whether neither end has closed."""
    for key, _ in ready.select():
        source, target = key.fileobj, key.data
        assert isinstance(source, socket.socket)
        block = source.recv(BLOCK)
        if not block:
            return False
        target.sendall(block)
    return True

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
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def mend(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept, self._listener)

    def cut(self) -> None:
        """End every connection, and refuse others."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _start(self, target: object, *arguments: object) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments))  # type: ignore[arg-type]
        self._threads[-1].start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it is cut
            while True:
                caller, _ = listener.accept()
                self._start(self._pass, caller)

    def _pass(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(self._server) as server:
            ends = {caller, server}
            self._open |= ends
            with contextlib.suppress(OSError), selectors.DefaultSelector() as ready:
                ready.register(caller, selectors.EVENT_READ, server)
                ready.register(server, selectors.EVENT_READ, caller)
                while _move(ready):
                    pass
            self._open -= ends


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

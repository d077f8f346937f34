"""A service that notes what reaches it, and behaves as it is told."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.ports import free_port


class Upstream(ThreadingHTTPServer):
    """Listens on a free port; answers each request as ``behave`` says.

    Attributes:
        connections: how many were accepted.
        requests: the headers of each request, with its method, path and the length of its body.
        behave: is called with a handler that has read its request; by default it answers 200.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        super().__init__(("127.0.0.1", self.port), Handler)
        self.connections = 0
        self._open: list[socket.socket] = []
        self.requests: list[dict[str, Any]] = []
        self.behave: Callable[[Handler], None] = Handler.ok
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()
        for connection in self._open:
            with contextlib.suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection."""
        self.connections += 1
        self._open.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that were cut."""


class Handler(BaseHTTPRequestHandler):
    """One connection, of many requests."""

    server: Upstream
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self) -> None:
        """Begin to count the requests."""
        super().setup()
        self.served = 0

    def serve(self) -> None:
        """Note a request of any method that has come whole, and do with it as is told."""
        try:
            length = self._read()
        except EOFError:
            return self.cut()
        facts = {"method": self.command, "path": self.path, "length": length}
        self.server.requests.append({**dict(self.headers.items()), **facts})
        self.served += 1
        self.server.behave(self)

    def _read(self) -> int:
        """Take the body, and return its length."""
        if "Transfer-Encoding" not in self.headers:
            return self._exactly(int(self.headers.get("Content-Length") or 0))
        total = 0
        while size := int(self.rfile.readline() or b"0", 16):
            total += self._exactly(size)
            self._exactly(len(b"\r\n"))
        self._exactly(len(b"\r\n"))
        return total

    def _exactly(self, size: int) -> int:
        if len(self.rfile.read(size)) < size:
            raise EOFError
        return size

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def ok(self) -> None:
        """Answer as if all were well."""
        self.answer(200, message="7")

    def answer(self, status: int, **document: str) -> None:
        """Answer in JSON."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", "from-upstream")
        self.end_headers()
        self.wfile.write(body)

    def cut(self) -> None:
        """Close the connection without an answer."""
        self.close_connection = True

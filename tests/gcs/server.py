"""A small, faithful Google Cloud Storage for tests, in a process of its own.

    python tests/gcs/server.py --port 0 [--host ADDRESS] [--bucket NAME] [--rewrite-bytes N] ...

Its first line on standard output is its address, to be set as ``STORAGE_EMULATOR_HOST``. It keeps
everything in memory. :mod:`tests.gcs.faults` says how to make it fail.
"""

import argparse
import json
import select
import socket
import struct
import sys
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

# Run by its path, it would not find its neighbours.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.gcs import bucket_methods, object_methods  # noqa: F401 -- they add their routes
from tests.gcs.api import API, Request, Response
from tests.gcs.faults import Fault, Faults
from tests.gcs.objects import Refusal
from tests.gcs.uploads import UNIT

NOTHING = Response(200)


def shortened(request: Request) -> Request:
    """The part of an upload, as if the rest of it had been lost inside Google."""
    first = int(request.headers["content-range"].removeprefix("bytes ").partition("-")[0])
    kept = {"content-range": f"bytes {first}-{first + UNIT - 1}/*"}
    return replace(request, body=request.body[:UNIT], headers={**request.headers, **kept})


class Server(ThreadingHTTPServer):
    """Listens on an address."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, api: API) -> None:
        super().__init__((host, port), Handler)
        self.api = api
        self.faults = Faults()

    def handle_error(self, request: object, client_address: object) -> None:
        """Show what is wrong with the server, but not that a client went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """One connection, of many requests."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for head and body

    def serve(self) -> None:
        """Answer a request of any method."""
        request = self._request()
        if request is None:
            self.close_connection = True
        elif request.path == "/faults":
            self._send(self._order(request))
        else:
            self._serve(request)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815

    def _serve(self, request: Request) -> None:
        operation = self.server.api.operation(request)
        fault = self.server.faults.strike(operation, request.who)
        if fault and fault.kind == "delay":
            return self._delay(fault, request)
        if fault and fault.kind == "short":
            request = shortened(request)
        lost = fault and not fault.lets_through
        answer = NOTHING if lost else self.server.api.answer(request)
        if fault:
            self._fail(fault, answer)
        else:
            self._send(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: standard output is for the address."""

    def _request(self) -> Request | None:
        """What is asked; None if the client went away before it had sent it all."""
        try:
            body = self._body()
        except EOFError:
            return None
        address = urlsplit(self.path)
        return Request(
            method=self.command,
            path=address.path,
            query=parse_qs(address.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            base=f"http://{self.headers['Host']}",
        )

    def _body(self) -> bytes:
        if "Transfer-Encoding" not in self.headers:
            return self._exactly(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline() or b"0", 16):
            chunks.append(self._exactly(size))
            self._exactly(len(b"\r\n"))
        self._exactly(len(b"\r\n"))
        return b"".join(chunks)

    def _exactly(self, size: int) -> bytes:
        read = self.rfile.read(size)
        if len(read) < size:
            raise EOFError
        return read

    def _order(self, request: Request) -> Response:
        if request.method == "DELETE":
            return Response.json({"pending": self.server.faults.clear(request.one.get("who", ""))})
        self.server.faults.order(Fault(**json.loads(request.body)))
        return Response(204)

    def _send(self, response: Response, cut: bool = False) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body[: len(response.body) // 2] if cut else response.body)

    def _fail(self, fault: Fault, answer: Response) -> None:
        match fault.kind:
            case "reset":
                self._reset()
            case "cut":
                self._send(answer, cut=True)
                self._reset()
            case "damage":
                self._send(replace(answer, body=bytes([answer.body[0] ^ 1]) + answer.body[1:]))
            case "short":
                self._send(answer)
            case status:
                self._send(Response.of(Refusal(int(status), "backendError", "Backend Error")))

    def _delay(self, fault: Fault, request: Request) -> None:
        """Serve a request whose client will not hear of it any more."""
        with self.server.faults.delayed(request.who):
            if fault.when == "after":
                self.server.api.answer(request)
            # It has sent all it had to: that there is something to read means that it has gone.
            select.select([self.connection], [], [])
            time.sleep(fault.seconds)
            if fault.when == "before":
                self.server.api.answer(request)
        self.close_connection = True

    def _reset(self) -> None:
        """Drop the connection as a crash would: with a reset, not with an orderly end."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


def main() -> None:
    """Listen until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address; by default this machine")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bucket", help="one that is there from the start")
    parser.add_argument("--rewrite-bytes", type=int, help="how much one rewrite call copies")
    parser.add_argument("--page-size", type=int, default=1000, help="how long a listing's page is")
    options = parser.parse_args()
    api = API(rewrite_bytes=options.rewrite_bytes, page_size=options.page_size)
    if options.bucket:
        api.store.make_bucket({"name": options.bucket})
    with Server(options.host, options.port, api) as server:
        sys.stdout.write("http://{}:{}\n".format(*server.server_address[:2]))
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()

"""A connection, as waitress has it, and what waitress leaves open.

- Its timer is for idle connections: a client that sends a byte now and then keeps one for ever.
  Here a whole request has a deadline.
- Its own refusals are plain text. Here they are JSON, with an id, and leave a line in the log.
- It closes a connection while the client still sends, so that the client finds a reset instead of
  the refusal. Here the connection lingers (RFC 9112, section 9.6).
- A number that Python refuses to read ends in a traceback and no answer. Here it is a 400.
- It takes requests of which a proxy in front may see other ends than it does. Here they are 400.
- It parses all that has come before it looks at another connection, and has no clock for what comes
  behind a request that is being answered. Here the former takes turns, and the latter is unread.

Everything here but the tasks runs in the server's main loop.
"""

import contextlib
import re
import socket
import time
import uuid
from collections.abc import Iterator
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, Error
from werkzeug.sansio.utils import get_current_url

from api import access
from api.answers import Place, Problem
from api.operation import PROBLEM, now
from api.payloads import MAX_BODY

LINGER = 5.0  # seconds in which a refused client may read why
SHARE = 0.0005  # seconds that the main loop parses for one connection before it looks at the others
LONGEST = 8192  # bytes of a chunk's size with its extensions, or of the trailers
PIECE = 1024  # bytes of chunks that are parsed at once, as waitress copies what follows each chunk

TRANSFER_ENCODING = re.compile(  # and the lines that it may go on in
    rb"^transfer-encoding:(.*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE
)

REASONS = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: f"the body is larger than {MAX_BODY:,} bytes",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "the request's headers are too large",
    HTTPStatus.REQUEST_TIMEOUT: "the whole request did not arrive in time",
    HTTPStatus.INTERNAL_SERVER_ERROR: "the service failed, and its log says why",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many requests wait already: try again in a second",
    HTTPStatus.NOT_IMPLEMENTED: "the only Transfer-Encoding that is understood is chunked",
}


@lru_cache(64)
def check_host(host: str) -> None:
    """Make sure that answers can say which URL they are for.

    Raises:
        ValueError: ``[:::1]`` is no address, and ``xn--a`` no name in Punycode.
    """
    get_current_url("http", host)


class RequestTimeout(Error):  # type: ignore[misc]
    """The request did not arrive whole in time."""

    code = 408
    reason = "Request Timeout"


class Crowded(Error):  # type: ignore[misc]
    """Too many requests wait for a thread."""

    code = 503
    reason = "Service Unavailable"


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request."""

    # What is logged of requests that cannot be read so far.
    command = "-"
    path = "-"

    def received(self, data: bytes) -> int:
        """Take bytes in, and return how many of them belong to this request."""
        consumed: int = super().received(data)
        if self.chunked and self._has_long_line():
            self.error = BadRequest(f"a line between chunks has more than {LONGEST:,} bytes")
            self.completed = True
        return consumed

    def _has_long_line(self) -> bool:
        return max(len(self.body_rcv.control_line), len(self.body_rcv.trailer)) > LONGEST

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the headers."""
        try:
            super().parse_header(header_plus)
            check_host(self.headers.get("HOST", ""))
        except ValueError:  # a Content-Length of 5,000 digits, a host of unbalanced brackets
            raise ParsingError("a number or the URI cannot be read") from None
        self._require_one_reading(TRANSFER_ENCODING.findall(header_plus))

    def _require_one_reading(self, codings: list[bytes]) -> None:
        """Refuse what RFC 9112 lets nobody guess at (sections 2.3, 3.2 and 6.1)."""
        host = self.headers.get("HOST")
        if self.version not in ("1.0", "1.1"):
            raise ParsingError("only HTTP/1.1 and HTTP/1.0 are understood")
        if self.version == "1.1" and (host is None or "," in host):
            raise ParsingError("HTTP/1.1 requires one Host")
        if codings and self.version == "1.0":
            raise ParsingError("HTTP/1.0 has no Transfer-Encoding")
        if b"".join(codings).lower().count(b"chunked") > 1:
            raise ParsingError("a body can be chunked only once")
        if codings and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Content-Length and Transfer-Encoding exclude each other")


class AnswerTask(WSGITask):  # type: ignore[misc]
    """Answers a request through the application."""

    def build_response_header(self) -> bytes:
        """The status line and headers; the last answer before the end says that it is."""
        # A client that is told so too early connects again just when the address is given up.
        if self.channel.server.closed and self.channel.is_last(self.request):
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header

    def write(self, data: bytes) -> None:
        """Write a part of the body, and the header before the first, in one piece."""
        with self.channel.in_one_piece():
            super().write(data)


class RefusalTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that never reached the application."""

    def execute(self) -> None:
        """Write the answer, after which the connection lingers and closes."""
        error, request_id = self.request.error, uuid.uuid4().hex
        reason = REASONS.get(error.code, f"this is no valid HTTP request: {error.body}")
        body = (
            self._problem(reason, request_id)
            .model_dump_json(by_alias=True, exclude_unset=True)
            .encode()
            + b"\n"
        )
        self.channel.refused = True
        self.status = f"{error.code} {error.reason}"
        self.content_length = len(body)
        self.response_headers += [
            ("Content-Type", PROBLEM),
            (access.HEADER, request_id),
        ]
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.response_headers.append(("Retry-After", "1"))
        self.set_close_on_finish()
        self.write(body)
        facts = {"request_id": request_id, "reason": reason}
        access.line(self.request.command, self.request.path, error.code, **facts)
        self.channel.server.refused(self.request.command, self.request.path, error.code)

    def _problem(self, reason: str, request_id: str) -> Problem:
        code = self.request.error.code
        return Problem.model_validate(
            {
                "message": reason,
                "method": self.request.command,
                "status-code": code,
                "timestamp": now(),
                "url": self.request.path,
                "request-id": request_id,
                "type": "about:blank",
                "title": HTTPStatus(code).phrase,
                "status": code,
                "detail": reason,
                "errors": [Place(location="request", detail=reason)],
            }
        )


class Channel(HTTPChannel):  # type: ignore[misc]
    """One client's connection."""

    parser_class = Parser
    task_class = AnswerTask
    error_task_class = RefusalTask

    request: Parser | None  # while it is being received
    will_close: bool
    close_when_flushed: bool
    connected: bool
    sent_continue: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take a connection that was just accepted: its first request is due from now on."""
        super().__init__(*args, **kwargs)
        self.receiving_since: float | None = time.monotonic()
        self.lingering_since: float | None = None
        self._unread = b""  # what was received and is to be parsed
        self._pieces: list[bytes] | None = None
        self.refused = False
        self.gone = False  # whether the client has closed its side, while it waits for an answer

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight: no request, no part of one, no answer to be sent."""
        return not (self.requests or self.request or self._unread or self.total_outbufs_len)

    def is_last(self, request: Parser) -> bool:
        """Whether the client has sent nothing behind ``request`` yet."""
        return self.requests[-1:] == [request] and not (self.request or self._unread)

    def check_client_disconnected(self) -> bool:
        """Whether nobody may be there to read the answer; in ``environ``, for the application."""
        return self.gone or not self.connected

    def readable(self) -> bool:
        """Whether to receive more: not while there is an answer to come, or something unread."""
        return not self._unread and self._may_parse()

    def received(self, data: bytes) -> None:
        """Take in what the client sent."""
        if self.lingering_since is None:
            self._unread += data
            self.read_on()

    def read_on(self) -> None:
        """Parse what is unread up to the end of a request, or for as long as it is our turn."""
        end = time.perf_counter() + SHARE
        with self.requests_lock:
            while self._unread and self._may_parse():
                self._parse()
                if time.perf_counter() >= end:
                    break
        if self._unread and self._may_parse():
            self.server.later(self.read_on)

    def _may_parse(self) -> bool:
        closing = self.will_close or self.close_when_flushed or not self.connected
        return not (self.requests or self.total_outbufs_len or closing)

    def _parse(self) -> None:
        """Let the parser take what it can at once."""
        self.receiving_since = self.receiving_since or time.monotonic()
        if self.request is None:
            self._unread = self._unread.lstrip(b"\r\n")  # RFC 9112, section 2.2
            if not self._unread:
                return
            self.request = Parser(self.adj)
        request = self.request
        data = self._unread[:PIECE] if request.chunked else self._unread
        self._unread = self._unread[request.received(data) :]
        if request.completed:
            self.request, self.sent_continue = None, False
            self.requests.append(request)
            self.server.add_task(self)
        elif request.expect_continue and not self.sent_continue:
            self.send_continue()

    def service(self) -> None:
        """Answer a request, and go on with what has come behind it."""
        super().service()
        if self._unread:
            self.server.later(self.read_on)

    def whole_request_received(self) -> None:
        """Stop the clock, before another thread can answer and it would be too late to."""
        self.receiving_since = None

    def enforce(self, request_timeout: float, now: float) -> None:
        """End what has lasted too long; the server calls this every second or so."""
        if self.lingering_since is not None:
            self.will_close |= now - self.lingering_since >= LINGER
        elif self.receiving_since is not None and now - self.receiving_since >= request_timeout:
            self.time_out()

    @contextlib.contextmanager
    def in_one_piece(self) -> Iterator[None]:
        """Write at the end what is written meanwhile: each write is sent, and wakes the client."""
        pieces: list[bytes] = []
        self._pieces = pieces
        try:
            yield
        finally:
            self._pieces = None
        self.write_soon(b"".join(pieces))

    def write_soon(self, data: Any) -> int:
        """Write bytes, or a file, for the client."""
        if self._pieces is None:
            written: int = super().write_soon(data)
            return written
        self._pieces.append(data)
        return len(data)

    def handle_write(self) -> None:
        """Send what there is to send; then close, or linger after a refusal."""
        if not (self.refused and self.close_when_flushed):
            super().handle_write()
            self.read_on()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif self.connected and not self.total_outbufs_len:
            self.close_when_flushed, self._unread = False, b""
            self.lingering_since = time.monotonic()
            with contextlib.suppress(OSError):  # the client has gone already
                self.socket.shutdown(socket.SHUT_WR)

    def handle_close(self) -> None:
        """Close; a thread that finds the client gone leaves that to the main loop.

        It may be going through all connections.
        """
        if self.server.in_main_loop:
            super().handle_close()
        else:
            self.will_close = True
            self.server.pull_trigger()

    def time_out(self) -> None:
        """Refuse the request that has not arrived yet; without any, close the connection."""
        self.receiving_since = None
        if self.request is None:  # nothing was sent that asks for an answer
            self.will_close = True
            return
        with self.requests_lock:
            request, self.request = self.request, None
            request.error = RequestTimeout("")
            request.completed = True
            self.requests.append(request)
            self.server.add_task(self)

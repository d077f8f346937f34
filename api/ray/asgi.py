"""A WSGI application as an ASGI one, for servers that speak nothing else.

A request comes whole, and is then answered by a thread: images are small, and an application that
waits for a model gains nothing by reading them in pieces. Sources: PEP 3333, and
https://asgi.readthedocs.io/en/latest/specs/www.html.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

# What Ray Serve puts on an answer by itself, as it was on the request or as it has put it there.
REPEATED = {b"x-request-id"}
HOP_BY_HOP = {"transfer-encoding"}  # of the connection that the server has read
BARE = {"content-length": "CONTENT_LENGTH", "content-type": "CONTENT_TYPE"}


class Bridge:
    """Answers each request by a call of a WSGI application in a thread.

    Args:
        application: the application.
        threads: how many requests are worked on at once.
        max_body: bytes beyond which no more of a body is read; the application refuses it.
    """

    def __init__(self, application: Application, threads: int, max_body: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, "request")
        self._max_body = max_body

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; of other events, only those of a lifespan are known."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            body = await self._body(receive)
            run = asyncio.get_running_loop().run_in_executor
            status, headers, content = await run(self._threads, self._call, environ(scope, body))
            own = [(name, value) for name, value in headers if name not in REPEATED]
            await send({"type": "http.response.start", "status": status, "headers": own})
            await send({"type": "http.response.body", "body": content})

    def close(self) -> None:
        """Wait for the requests that are worked on."""
        self._threads.shutdown()

    async def _body(self, receive: Receive) -> bytes:
        parts, size, more = [], 0, True
        while more and size <= self._max_body:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
        return b"".join(parts)

    def _call(self, environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
            started[:] = [(status, headers)]

        answer = self._application(environ, start)
        try:
            content = b"".join(answer)
        finally:
            getattr(answer, "close", lambda: None)()
        ((status, headers),) = started
        encoded = [
            (name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers
        ]
        return int(status.split()[0]), encoded, content


def environ(scope: Message, body: bytes) -> dict[str, Any]:
    """What a WSGI application is told of a request."""
    host, port = scope.get("server") or ("localhost", 80)
    client, _ = scope.get("client") or ("", 0)
    told = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", "").encode().decode("latin1"),
        "PATH_INFO": scope["path"].encode().decode("latin1"),
        "QUERY_STRING": scope["query_string"].decode("latin1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    told |= _headers(scope["headers"])
    # A body in chunks has no length yet, and one that was not read to its end has another.
    if body and len(body) > int(told.get("CONTENT_LENGTH") or 0):
        told["CONTENT_LENGTH"] = str(len(body))
    return told


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The request's headers; an underscore in a name would pass for a dash."""
    told: dict[str, str] = {}
    for encoded, value in headers:
        name = encoded.decode("latin1").lower()
        if name in HOP_BY_HOP or "_" in name:
            continue
        key = BARE.get(name, f"HTTP_{name.upper().replace('-', '_')}")
        text = value.decode("latin1")
        told[key] = f"{told[key]}, {text}" if key in told else text
    return told


async def _live(receive: Receive, send: Send) -> None:
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})

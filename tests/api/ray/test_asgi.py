"""A WSGI application behind an ASGI server: every request whole, every answer as it was."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, Response, request
from hypothesis import given
from hypothesis import strategies as st

from api.ray.asgi import Bridge, environ

LIMIT = 1000  # bytes
SCOPE: dict[str, Any] = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/some where/ä",
    "query_string": b"a=1&b=%C3%A4",
    "root_path": "",
    "server": ("127.0.0.1", 8000),
    "client": ("10.0.0.7", 1234),
    "headers": [(b"host", b"example.org:8000"), (b"content-type", b"image/png")],
}


@pytest.fixture
def app() -> Flask:
    """An application that tells what it was asked."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LIMIT

    @app.route("/<path:path>", methods=["GET", "POST"])
    def tell(path: str) -> Response:
        body = request.get_data()
        answer = Response(body[::-1], 201)
        query = quote(request.args["b"])
        answer.headers["X-Path"] = f"{request.host_url}{quote(request.path[1:])}?b={query}"
        answer.headers["X-Type"] = request.mimetype
        answer.headers.add("X-Twice", "1")
        answer.headers.add("X-Twice", "2")
        return answer

    return app


def ask(
    app: Flask, parts: Iterable[bytes], headers: Iterable[tuple[bytes, bytes]] = (), **scope: str
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Send a request in parts; the status, headers and body of the answer."""
    sent: list[Any] = []
    events = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    events.append({"type": "http.request"})

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    bridge = Bridge(app.wsgi_app, 1, LIMIT)
    whole = {**SCOPE, **scope, "headers": [*SCOPE["headers"], *headers]}
    asyncio.run(bridge(whole, receive, send))
    bridge.close()
    start, body = sent
    return start["status"], start["headers"], body["body"]


@given(st.lists(st.binary(max_size=90), max_size=11))
def test_a_body_arrives_whole_in_whatever_parts_it_came(parts: list[bytes]) -> None:
    told = environ({**SCOPE, "headers": [(b"transfer-encoding", b"chunked")]}, b"".join(parts))
    assert told["wsgi.input"].read() == b"".join(parts)
    assert int(told.get("CONTENT_LENGTH", 0)) == sum(map(len, parts))
    assert "HTTP_TRANSFER_ENCODING" not in told


def test_the_answer_is_the_application_s(app: Flask) -> None:
    status, headers, body = ask(app, [b"ab", b"", b"cd"])
    assert (status, body) == (201, b"dcba")
    said = dict(headers)
    assert said[b"x-path"] == b"http://example.org:8000/some%20where/%C3%A4?b=%C3%A4"
    assert said[b"x-type"] == b"image/png"
    assert [value for name, value in headers if name == b"x-twice"] == [b"1", b"2"]


def test_a_body_that_is_too_large_is_refused(app: Flask) -> None:
    endless = (b"x" * 400 for _ in range(1000))
    status, _, _ = ask(app, endless)
    assert status == 413


def test_a_length_that_is_declared_too_large_is_refused(app: Flask) -> None:
    status, _, _ = ask(app, [b"x"], [(b"content-length", b"1001")])
    assert status == 413


def test_what_ray_serve_repeats_by_itself_is_not_answered_twice(app: Flask) -> None:
    @app.after_request
    def repeat(answer: Response) -> Response:
        answer.headers["X-Request-Id"] = request.headers["X-Request-Id"]
        return answer

    _, headers, _ = ask(app, [], [(b"x-request-id", b"mine-1")])
    assert b"x-request-id" not in dict(headers)


def test_a_header_with_an_underscore_passes_for_no_other(app: Flask) -> None:
    told = environ(
        {**SCOPE, "headers": [(b"content_length", b"7"), (b"x-a", b"1"), (b"x-a", b"2")]}, b""
    )
    assert "CONTENT_LENGTH" not in told
    assert told["HTTP_X_A"] == "1, 2"


def test_a_lifespan_is_acknowledged(app: Flask) -> None:
    sent: list[str] = []

    async def receive() -> Any:
        return {}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    bridge = Bridge(app.wsgi_app, 1, LIMIT)
    asyncio.run(bridge({"type": "lifespan"}, receive, send))
    bridge.close()
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

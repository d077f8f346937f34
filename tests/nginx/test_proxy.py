"""What nginx does by itself, in front of a service that notes what it hears."""

import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPResponse

import pytest
import requests

from api.answers import Problem
from api.operation import PROBLEM
from api.payloads import MAX_BODY
from api.server import KEEP_ALIVE, MAX_HEADERS
from api.settings import ServeSettings
from images import NBYTES
from tests.nginx.proxies import CONFIGURATION, WITHIN, Proxy, directive
from tests.nginx.upstream import Handler, Upstream

Start = Callable[..., Proxy]

SAFE = {
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "nginx",
}


def head(path: str, *extra: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: test", *extra, "", ""]).encode()


def refused(answer: requests.Response, status: int, sentence: str) -> bool:
    """Whether an answer is an error as the service would write it, under the same headers."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    document = answer.json()
    Problem.model_validate(document | {"method": "", "url": ""})  # of which nginx says nothing
    assert (document["status"], document["request-id"]) == (status, answer.headers["X-Request-Id"])
    assert answer.headers.items() >= SAFE.items()
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    return sentence in document["detail"]


def sent(proxy: Proxy, request: bytes) -> tuple[int, dict[str, str]]:
    """The status and the document that answer these bytes."""
    with proxy.connect() as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, json.load(answer)


def cut_off(connection: socket.socket) -> bool:
    """Whether a connection ends without an answer."""
    try:
        return connection.recv(65536) == b""
    except (ConnectionResetError, ssl.SSLEOFError):
        return True


def test_a_request_passes_whole_and_so_does_its_answer(proxy: Proxy, upstream: Upstream) -> None:
    answer = proxy.ask("POST", "/?proba=1", data=bytes(NBYTES))
    assert (answer.status_code, answer.json()) == (200, {"message": "7"})
    assert answer.headers.items() >= SAFE.items()
    (heard,) = upstream.requests
    assert (heard["method"], heard["path"], heard["length"]) == ("POST", "/?proba=1", NBYTES)


def test_callers_cannot_speak_for_the_proxy(proxy: Proxy, upstream: Upstream) -> None:
    forged = {
        "Host": "evil.example",
        "Forwarded": "for=10.0.0.1",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "http",
        "X-Real-IP": "10.0.0.1",
        "X-Forwarded_For": "10.0.0.1",
        "Connection": "X-Request-Id",
    }
    assert proxy.ask("GET", headers=forged).status_code == 200
    (heard,) = upstream.requests
    assert {name: value for name, value in heard.items() if name in forged} == {
        "Host": "service",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "127.0.0.1",
    }
    assert not [name for name in heard if "_" in name]


def test_the_request_has_one_id_here_there_and_in_the_log(proxy: Proxy, upstream: Upstream) -> None:
    answers = [
        proxy.ask("GET", headers={"X-Request-Id": sent} if sent else {})
        for sent in ("caller-7", "", "not an id", "x" * 65)
    ]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert ids == [heard["X-Request-Id"] for heard in upstream.requests]
    assert ids == [line["request_id"] for line in proxy.lines(4)]
    assert ids[0] == "caller-7"
    assert all(re.fullmatch("[0-9a-f]{32}", made) for made in ids[1:])
    assert len(set(ids)) == 4


def test_the_largest_body_passes_and_a_larger_one_is_refused(
    proxy: Proxy, upstream: Upstream
) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        yield from (bytes(2**16) for _ in range(size // 2**16))

    assert proxy.ask("POST", data=bytes(MAX_BODY)).status_code == 200
    reached = len(upstream.requests)
    too_large = f"the body is larger than {MAX_BODY:,} bytes"
    assert refused(proxy.ask("POST", data=bytes(MAX_BODY + 1)), 413, too_large)
    assert len(upstream.requests) == reached
    assert refused(proxy.ask("POST", data=chunks(2 * MAX_BODY)), 413, too_large)


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        (b"nonsense\r\n\r\n", 400, "no valid HTTPS request"),
        (head("/", "Content-Length: 1", "Content-Length: 2"), 400, "no valid HTTPS request"),
        (head("/", "Content-Length: 5", "Transfer-Encoding: chunked"), 400, "no valid HTTPS"),
        (head("/", "Transfer-Encoding: gzip"), 501, "Transfer-Encoding"),
        (head("/", f"X: {'x' * MAX_HEADERS}"), 431, "headers are too large"),
        (head(f"/{'x' * MAX_HEADERS}"), 431, "headers are too large"),
    ],
)
def test_what_cannot_be_read_is_refused_in_json(
    proxy: Proxy, upstream: Upstream, request_: bytes, status: int, sentence: str
) -> None:
    found, document = sent(proxy, request_)
    assert found == status
    assert sentence in document["detail"]
    assert not upstream.requests
    (line,) = proxy.lines(1)
    assert line["status"] == status


def test_http_without_tls_is_sent_to_https(proxy: Proxy) -> None:
    plain = f"http://127.0.0.1:{proxy.plain_port}/info?x=1"
    answer = requests.post(plain, data=b"x", allow_redirects=False, timeout=WITHIN)
    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://127.0.0.1/info?x=1"
    wrong_port = requests.get(f"http://127.0.0.1:{proxy.port}/", timeout=WITHIN)
    assert refused(wrong_port, 400, "HTTPS")


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics?x=1",
        "//metrics",
        "/./metrics",
        "/x/../metrics",
        "/%6detrics",
        "/%2e/metrics",
        "/x/%2e%2e/metrics",
        "/%2fmetrics",
        "https://elsewhere.example/metrics",
    ],
)
def test_no_spelling_of_metrics_reaches_the_service(
    proxy: Proxy, upstream: Upstream, path: str
) -> None:
    status, document = sent(proxy, head(path, "Connection: close", method="GET"))
    assert (status, document["status"]) == (404, 404)
    assert document["detail"] == "there is nothing here; images go to POST /predict"
    assert not upstream.requests


def test_the_log_is_json_whatever_is_asked(proxy: Proxy) -> None:
    with proxy.connect() as connection:
        connection.sendall(b'GET /"\\\xff{?secret HTTP/1.1\r\nHost: "\r\nConnection: close\r\n\r\n')
        assert connection.recv(65536)
    with proxy.connect() as connection:
        connection.sendall(b"\x00\x01\r\n\r\n")
        assert connection.recv(65536)
    one, other = proxy.lines(2)
    assert (one["method"], one["status"]) == ("GET", 200)
    assert one["path"].startswith('/"\\')
    assert "secret" not in json.dumps(one)
    assert one["client"] == "127.0.0.1"
    assert one["upstream_status"] == "200"
    assert float(one["seconds"]) >= 0
    assert other["status"] == 400


def test_a_slow_header_is_cut_off(start: Start, upstream: Upstream) -> None:
    proxy = start(upstream.port, client_header_timeout="1s")
    with proxy.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: ")
        assert cut_off(connection)
    assert not upstream.requests


def test_a_body_that_stops_is_cut_off(start: Start, upstream: Upstream) -> None:
    proxy = start(upstream.port, client_body_timeout="1s")
    with proxy.connect() as connection:
        connection.sendall(head("/", "Content-Length: 49152") + b"some")
        assert cut_off(connection)
    assert not upstream.requests


def test_one_address_cannot_take_every_place(proxy: Proxy) -> None:
    limit = int(re.findall(r"limit_conn address (\d+);", CONFIGURATION.read_text())[0])
    with ExitStack() as open_requests:
        for _ in range(limit):
            connection = open_requests.enter_context(proxy.connect())
            connection.sendall(head("/", "Expect: 100-continue", "Content-Length: 2"))
            assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")  # so it is counted
        answer = proxy.ask("GET")
        assert refused(answer, 429, "too many requests at once")
        assert answer.headers["Retry-After"] == "1"


def test_connections_to_the_service_are_used_again(proxy: Proxy, upstream: Upstream) -> None:
    for _ in range(10):
        assert proxy.ask("POST", data=bytes(NBYTES)).status_code == 200
    assert len(upstream.requests) == 10
    assert upstream.connections == 1


def cut_when_used_again(handler: Handler) -> None:
    if handler.served > 1:
        handler.cut()
    else:
        handler.ok()


def test_a_connection_that_has_gone_costs_no_request_that_may_be_repeated(
    proxy: Proxy, upstream: Upstream
) -> None:
    upstream.behave = cut_when_used_again
    assert [proxy.ask("GET").status_code for _ in range(3)] == [200] * 3
    heard = len(upstream.requests)
    answer = proxy.ask("POST", data=bytes(NBYTES))
    assert refused(answer, 502, "the service cannot be reached")
    assert answer.headers["Retry-After"] == "5"
    assert len(upstream.requests) == heard + 1, "the body was sent twice"


def test_the_service_is_asked_again_as_soon_as_it_is_back(start: Start) -> None:
    with Upstream() as before:
        proxy = start(before.port)
        assert proxy.ask("GET").status_code == 200
    for method in ("GET", "POST"):
        assert refused(proxy.ask(method), 502, "the service cannot be reached")
    with Upstream(before.port):
        for method in ("GET", "POST"):
            assert proxy.ask(method).status_code == 200


def test_while_one_replica_is_away_the_other_answers(start: Start, upstream: Upstream) -> None:
    with Upstream() as other:
        proxy = start(upstream.port, other.port)
        assert {proxy.ask("POST", data=bytes(NBYTES)).status_code for _ in range(4)} == {200}
        assert other.requests
    assert {proxy.ask("POST", data=bytes(NBYTES)).status_code for _ in range(4)} == {200}


def not_ready(handler: Handler) -> None:
    handler.answer(503, detail="no model serves yet: the registry is being asked")


def test_a_replica_without_a_model_sends_readers_to_another(
    start: Start, upstream: Upstream, other_upstream: Upstream
) -> None:
    proxy = start(upstream.port, other_upstream.port)
    upstream.behave = not_ready
    assert {proxy.ask("GET", "/ready").status_code for _ in range(4)} == {200}
    assert upstream.requests
    images = [proxy.ask("POST", data=bytes(NBYTES)) for _ in range(4)]
    assert {answer.status_code for answer in images} == {200, 503}
    other_upstream.behave = not_ready
    for _ in range(4):
        answer = proxy.ask("GET", "/ready")
        assert answer.status_code == 503
        assert answer.json()["detail"].startswith("no model serves yet")


def test_a_service_that_hangs_is_given_up(start: Start, upstream: Upstream) -> None:
    proxy = start(upstream.port, proxy_read_timeout="1s", proxy_next_upstream_tries="1")
    upstream.behave = lambda handler: handler.rfile.read(1) and None  # until nginx goes
    assert refused(proxy.ask("GET"), 504, "the service did not answer in time")


def number(text: str) -> int:
    """A size or a time in bytes or seconds."""
    digits, unit = re.fullmatch(r"(\d+)([smk]?)", text).groups()  # type: ignore[union-attr]
    return int(digits) * {"": 1, "s": 1, "k": 2**10, "m": 2**20}[unit]


def test_its_limits_fit_those_of_the_service() -> None:
    text = CONFIGURATION.read_text()
    buffers, size = directive("large_client_header_buffers").split()
    assert number(directive("client_max_body_size")) == MAX_BODY
    assert f"{MAX_BODY:,}" in text
    assert int(buffers) * number(size) == MAX_HEADERS
    assert number(directive("proxy_read_timeout")) > ServeSettings().request_timeout
    places = re.findall(r"limit_conn all (\d+);", text)
    assert int(places[0]) < ServeSettings().connection_limit
    kept = re.findall(r"keepalive_timeout (\w+);", text)
    assert max(number(each) for each in kept) < KEEP_ALIVE

"""The server on real sockets, in a thread of the test, with a model that can be held up."""

import contextlib
import fcntl
import gc
import io
import json
import logging
import os
import re
import signal
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import requests
from typing_extensions import Buffer

from api import access
from api.__main__ import stop_on_signals
from api.app import QUICK, create_app
from api.channel import Channel
from api.errors import CannotListen
from api.holder import Holder, Snapshot
from api.payloads import MAX_BODY
from api.server import Server, listen
from api.service import Service
from api.settings import ServeSettings
from classifier.runtime import INPUT_SHAPE
from images import NBYTES, Images
from process.nonblocking import NonBlockingHandler
from tests.api.first_pixel import FirstPixel
from tests.ports import free_port
from tests.waiting import until

HEALTH = b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"0\r\n\r\n" + HEALTH

FOREVER = 60.0  # seconds; no test waits for as long unless it fails


class Held(FirstPixel):
    """A model that answers when it is released."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.released = threading.Event()
        self.seen: list[int] = []

    def wait_until_entered(self) -> None:
        assert self.entered.acquire(timeout=FOREVER)

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        self.seen += images[:, 0, 0, 0].tolist()
        self.entered.release()
        assert self.released.wait(FOREVER)
        return super().predict(images)


class Running:
    """A server in a thread."""

    def __init__(self, service: Service, **limits: object) -> None:
        settings = ServeSettings(**limits)  # type: ignore[arg-type]
        self.waiting = lambda: service.batcher.waiting
        listener = listen("127.0.0.1", free_port())
        app = create_app(service)
        self.server = Server(app, listener, settings, QUICK, access.counter(app))
        self.address = ("127.0.0.1", int(self.server.effective_port))
        self.url = f"http://127.0.0.1:{self.server.effective_port}"
        self.thread = ThreadPoolExecutor(1)
        self.finished = self.thread.submit(self.server.run)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, FOREVER)

    def post(self, value: int) -> requests.Response:
        return requests.post(self.url, data=bytes([value]) * NBYTES, timeout=FOREVER)

    def predict(self, value: int, images: int) -> requests.Response:
        body = bytes([value]) * images * NBYTES
        return requests.post(f"{self.url}/predict", data=body, timeout=FOREVER)

    def stop(self) -> bool:
        self.server.stop()
        return self.finished.result(FOREVER)


@pytest.fixture
def serve(service: Service) -> Iterator[Callable[..., Running]]:
    started = []

    def start(**limits: object) -> Running:
        started.append(Running(service, **limits))
        return started[-1]

    yield start
    for running in started:
        running.stop()
        running.thread.shutdown()


@pytest.fixture
def held(holder: Holder, snapshot: Snapshot) -> Iterator[Held]:
    model = Held()
    holder.swap(replace(snapshot, classifier=model))  # type: ignore[arg-type]
    yield model
    model.released.set()


@pytest.fixture
def ready(holder: Holder, snapshot: Snapshot) -> None:
    holder.swap(snapshot)


def head(length: int | str, *extra: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: test", f"Content-Length: {length}", *extra]
    return "\r\n".join([*lines, "", ""]).encode()


def everything(connection: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    received = b""
    while block := connection.recv(65536):
        received += block
    return received


def receive_up_to(connection: socket.socket, end: bytes) -> None:
    """Receive until ``end`` has come, as headers and body come in pieces."""
    received = b""
    while end not in received:
        block = connection.recv(65536)
        assert block, received
        received += block


def parts(answer: bytes) -> tuple[int, dict[str, str]]:
    """The status and the JSON document of the only answer in ``answer``."""
    header, _, body = answer.partition(b"\r\n\r\n")
    kind = b"json" if b" 200 " in header[:13] else b"problem+json"
    assert b"Content-Type: application/" + kind + b"\r\n" in header
    return int(header.split()[1]), json.loads(body)


def alive(answer: bytes) -> bool:
    """Whether this is the answer of ``/health``."""
    status, document = parts(answer)
    return (status, document["message"]) == (200, "alive")


@contextlib.contextmanager
def sent(running: Running, data: bytes) -> Iterator[socket.socket]:
    with running.connect() as connection:
        connection.sendall(data)
        yield connection


@pytest.mark.usefixtures("ready")
def test_chunks_are_put_together(serve: Callable[..., Running]) -> None:
    body = bytes([9]) * NBYTES
    running = serve()
    pieces = (body[start : start + 1000] for start in range(0, NBYTES, 1000))
    answer = requests.post(running.url, data=pieces, timeout=FOREVER)
    assert answer.json() == {"message": "9"}
    one_by_one = b"".join(b"1\r\n\x05\r\n" for _ in range(NBYTES)) + b"0\r\n\r\n"
    request = (
        b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    with sent(running, request + one_by_one) as connection:
        assert parts(everything(connection)) == (200, {"message": "5"})


@pytest.mark.usefixtures("ready")
def test_a_connection_is_kept_and_requests_may_be_pipelined(
    serve: Callable[..., Running],
) -> None:
    request = head(NBYTES) + bytes([1]) * NBYTES
    last = head(NBYTES, "Connection: close") + bytes([2]) * NBYTES
    with sent(serve(), request + request + last) as connection:
        answers = everything(connection)
    assert answers.count(b'{"message":"1"}') == 2
    assert answers.endswith(b'{"message":"2"}\n')


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("path", [b"/", b"/predict"])  # on the main loop, and in a thread
def test_an_answer_comes_in_one_piece(serve: Callable[..., Running], path: bytes) -> None:
    request = head(NBYTES).replace(b"POST /", b"POST " + path) + bytes([1]) * NBYTES
    with serve().connect() as connection:
        for _ in range(20):  # as two pieces might come together once or twice
            connection.sendall(request)
            header, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            assert f"Content-Length: {len(body)}\r\n".encode() in header
            assert body


def test_requests_in_chunks_and_others_may_be_pipelined_in_any_order(
    serve: Callable[..., Running], held: Held
) -> None:
    held.released.set()
    body = b"".join(b"1000\r\n" + bytes([3]) * 4096 + b"\r\n" for _ in range(NBYTES // 4096))
    chunked = CHUNKED + body + b"0\r\n\r\n"
    whole = head(NBYTES) + bytes([4]) * NBYTES
    threaded = whole.replace(b"POST /", b"POST /predict")
    last = HEALTH[:-2] + b"Connection: close\r\n\r\n"
    several = (HEALTH, chunked, b"\r\n", whole, threaded, chunked, HEALTH, whole, last)
    with sent(serve(), b"".join(several)) as connection:
        answers = everything(connection)
    found = re.findall(rb'"message":"(\w+)', answers)
    assert found == [b"alive", b"3", b"4", b"one", b"3", b"alive", b"4", b"alive"]


def test_while_many_chunks_are_parsed_others_are_answered(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.channel.SHARE", 0.0)  # one piece in each turn of the loop
    caplog.set_level(logging.INFO)
    port = free_port()
    server = Server(create_app(service), listen("127.0.0.1", port), ServeSettings(), QUICK)
    with contextlib.ExitStack() as stack:
        for data in (CHUNKED + 3000 * b"1\r\nx\r\n" + b"0\r\n\r\n", HEALTH):
            connection = socket.create_connection(("127.0.0.1", port), FOREVER)
            stack.enter_context(connection).sendall(data)
        server.stop()  # once both are answered
        assert server.run() is True
    lines = (each for each in caplog.records if each.name == "api.access")
    assert [each.__dict__["path"] for each in lines] == ["/health", "/"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00 hello over TLS\r\n\r\n", 400),
        (b"post / HTTP/1.1\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n", 400),
        (head("-5"), 400),
        (head("five"), 400),
        (head("9" * 5000), 400),
        (head("1, 1") + b"1", 400),
        (head(MAX_BODY + 1), 413),
        (b"GET / HTTP/1.1\r\nBig: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (CHUNKED + b"nonsense\r\n", 400),
        (CHUNKED + b"-1\r\n", 400),
        (CHUNKED + b"1" * 10_000, 400),
        (CHUNKED + b"1;" + b"a" * 10_000, 400),
        (CHUNKED + b"0\r\n" + b"A: b\r\n" * 2000, 400),
        (CHUNKED[:-4] + b", chunked\r\n\r\n" + SMUGGLED, 400),
        (CHUNKED[:-4] + b",\r\n\t chunked\r\n\r\n" + SMUGGLED, 400),
        (CHUNKED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + SMUGGLED, 400),
        (head(NBYTES, "Transfer-Encoding: chunked") + SMUGGLED, 400),
        (head(NBYTES, "transfer-encoding:chunked") + SMUGGLED, 400),
        (head(NBYTES, "Transfer-Encoding:") + SMUGGLED, 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + SMUGGLED, 400),
        (b"GET /health HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n", 400),
        (b"GET /labels HTTP/1.1\r\nHost: [:::1]\r\n\r\n", 400),
        (b"GET /labels HTTP/1.1\r\nHost: xn--a\r\n\r\n", 400),
        (b"GET /labels HTTP/1.1\r\nHost: test:99999\r\n\r\n", 400),
        (b"GET /health HTTP/1.2\r\nHost: test\r\n\r\n", 400),
        (b"GET /health HTTP/2.0\r\nHost: test\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /health\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused_in_json(
    serve: Callable[..., Running], request_: bytes, status: int
) -> None:
    with sent(serve(), request_) as connection:
        found, document = parts(everything(connection))
    assert found == status
    assert document["detail"]


@pytest.mark.parametrize("host", ["[::1]:8000", "xn--bcher-kva.example", "under_score", ""])
def test_any_host_that_can_be_is_answered(serve: Callable[..., Running], host: str) -> None:
    lines = f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with sent(serve(), lines.encode()) as connection:
        assert alive(everything(connection))


def test_an_application_that_fails_is_no_fault_of_the_caller() -> None:
    def fail(*_: object) -> list[bytes]:
        raise RuntimeError

    port = free_port()
    server = Server(fail, listen("127.0.0.1", port), ServeSettings())
    with socket.create_connection(("127.0.0.1", port), FOREVER) as connection:
        connection.sendall(HEALTH)
        server.stop()
        server.run()
        status, document = parts(everything(connection))
    assert (status, document["detail"]) == (500, "the service failed, and its log says why")


def test_http_1_0_needs_no_host(serve: Callable[..., Running]) -> None:
    with sent(serve(), b"GET /health HTTP/1.0\r\n\r\n") as connection:
        assert alive(everything(connection))


def test_a_huge_body_is_refused_while_it_is_still_being_sent(
    serve: Callable[..., Running],
) -> None:
    answer = requests.post(serve().url, data=bytes(50_000_000), timeout=FOREVER)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == f"the body is larger than {MAX_BODY:,} bytes"


def test_a_huge_body_is_not_asked_for(serve: Callable[..., Running]) -> None:
    with sent(serve(), head(2**30, "Expect: 100-continue")) as connection:
        assert parts(everything(connection))[0] == 413


@pytest.mark.usefixtures("ready")
def test_a_body_that_is_asked_for_is_answered(serve: Callable[..., Running]) -> None:
    request = head(NBYTES, "Expect: 100-continue", "Connection: close")
    with sent(serve(), request) as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(bytes(NBYTES))
        assert parts(everything(connection)) == (200, {"message": "0"})


@pytest.mark.parametrize("extra", ["", "Content-Length: 0\r\n"])
def test_a_body_is_not_asked_for_where_there_is_none(
    serve: Callable[..., Running], extra: str
) -> None:
    asks = f"Expect: 100-continue\r\n{extra}Connection: close\r\n\r\n".encode()
    with sent(serve(), HEALTH[:-2] + asks) as connection:
        assert alive(everything(connection))


@pytest.mark.usefixtures("ready")
def test_a_body_behind_another_request_is_asked_for_when_that_is_answered(
    serve: Callable[..., Running],
) -> None:
    request = head(NBYTES, "Expect: 100-continue", "Connection: close")
    with sent(serve(), HEALTH + request) as connection:
        receive_up_to(connection, b"}\nHTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(bytes(NBYTES))
        assert parts(everything(connection)) == (200, {"message": "0"})


def test_endless_chunks_are_refused(serve: Callable[..., Running]) -> None:
    with sent(serve(), CHUNKED) as connection:
        for _ in range(MAX_BODY // 10_000 + 1):
            connection.sendall(b"2710\r\n" + bytes(10_000) + b"\r\n")
        assert parts(everything(connection))[0] == 413


def test_an_image_is_received_in_memory_and_hundreds_of_large_bodies_are_not(
    serve: Callable[..., Running],
) -> None:
    running = serve()
    with (
        sent(running, head(NBYTES + 1) + bytes(NBYTES)),
        sent(running, head(2**20) + bytes(2**19)) as large,
    ):
        until(lambda: sorted(received(running)) == [(NBYTES, False), (2**19, True)])
        large.sendall(bytes(2**19))
        receive_up_to(large, b" 400 ")  # and the file is closed


def received(running: Running) -> Iterator[tuple[int, bool]]:
    """How much has come of each body, and whether it is in a file."""
    for channel in list(running.server.active_channels.values()):
        if channel.request is not None and channel.request.body_rcv is not None:
            buffer = channel.request.body_rcv.getbuf()
            yield len(buffer), buffer.overflowed


@pytest.mark.usefixtures("ready")
def test_a_body_longer_than_declared_is_refused_and_what_follows_is_no_request(
    serve: Callable[..., Running],
) -> None:
    running = serve()
    with sent(running, head(10) + b"x" * 100 + b"\r\n\r\n") as connection:
        answers = everything(connection)
    assert answers.startswith(b"HTTP/1.1 400")
    assert b"it has 10 bytes" in answers
    assert answers.count(b"HTTP/1.") == 2
    assert running.post(3).json() == {"message": "3"}


@pytest.mark.usefixtures("ready")
def test_a_body_that_is_cut_off_gets_no_answer_and_does_no_harm(
    serve: Callable[..., Running],
) -> None:
    running = serve()
    with sent(running, head(NBYTES) + bytes(NBYTES - 1)) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b""
    assert running.post(3).json() == {"message": "3"}


@pytest.mark.usefixtures("ready")
def test_a_caller_may_close_its_side_after_the_request(serve: Callable[..., Running]) -> None:
    with sent(serve(), head(NBYTES) + bytes(NBYTES)) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert parts(everything(connection)) == (200, {"message": "0"})


def drip(connection: socket.socket, data: bytes) -> bytes:
    """Send a byte whenever nothing has come for a moment, and return all that comes."""
    connection.settimeout(0.05)
    received = b""
    for byte in data:
        try:
            block = connection.recv(65536)
        except TimeoutError:
            connection.sendall(bytes([byte]))
        except ConnectionResetError:
            return received
        else:
            received += block
            if not block:
                return received
    raise AssertionError("the server waited for the last byte")


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST / HTTP/1.1\r\n",
        head(NBYTES),
        CHUNKED + b"c000\r\n",
    ],
)
def test_a_request_that_drips_is_refused_when_its_time_is_up(
    serve: Callable[..., Running], beginning: bytes
) -> None:
    with sent(serve(request_timeout=0.5), beginning) as connection:
        status, document = parts(drip(connection, b"x" * 2000))
    assert status == 408
    assert "did not arrive in time" in document["detail"]


def test_the_time_for_a_request_begins_anew_on_a_kept_connection(
    serve: Callable[..., Running],
) -> None:
    with sent(serve(request_timeout=0.5), HEALTH) as connection:
        receive_up_to(connection, b"}\n")
        assert b" 408 " in drip(connection, b"x" * 2000)


@pytest.mark.parametrize("beginning", [HEALTH[:20], head(NBYTES), CHUNKED + b"c000\r\n"])
def test_the_time_for_a_request_behind_another_begins_with_the_answer_to_that(
    serve: Callable[..., Running], beginning: bytes
) -> None:
    with sent(serve(request_timeout=0.5), HEALTH + beginning) as connection:
        assert re.findall(rb"HTTP/1.[01] (\d+)", everything(connection)) == [b"200", b"408"]


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n" * 2])
def test_a_connection_without_a_request_is_closed(
    serve: Callable[..., Running], data: bytes
) -> None:
    with sent(serve(request_timeout=0.5), data) as connection:
        assert everything(connection) == b""


def test_empty_lines_do_not_keep_a_connection(serve: Callable[..., Running]) -> None:
    with sent(serve(request_timeout=0.5), b"") as connection:
        answer = drip(connection, b"\r\n" * 1000)
    assert answer == b"" or b" 408 " in answer


def test_empty_lines_do_not_keep_a_connection_that_has_had_an_answer(
    serve: Callable[..., Running],
) -> None:
    with sent(serve(request_timeout=0.5), HEALTH) as connection:
        receive_up_to(connection, b"}\n")
        assert drip(connection, b"\r\n" * 1000) == b""


def test_a_byte_that_is_marked_as_urgent_is_nothing_that_happens(
    serve: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    with serve().connect() as connection:
        connection.send(b"!", socket.MSG_OOB)
        connection.sendall(HEALTH)
        receive_up_to(connection, b"alive")
    assert "priority" not in caplog.text


def test_a_thread_that_finds_a_client_gone_leaves_closing_to_the_main_loop(
    serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    closing: list[bool] = []
    close = Channel.del_channel

    def note(channel: Channel) -> None:
        closing.append(channel.server.in_main_loop)
        close(channel)

    monkeypatch.setattr(Channel, "del_channel", note)
    running = serve()
    with running.connect() as connection:
        until(lambda: bool(running.server.active_channels))
        [channel] = running.server.active_channels.values()
        channel.handle_close()
        assert everything(connection) == b""
    assert closing == [True]


def test_further_connections_wait_until_there_is_room(
    serve: Callable[..., Running], held: Held
) -> None:
    running = serve(connection_limit=4, threads=2)  # the server itself and its trigger are two
    held.released.set()
    begun, rest = HEALTH[:10], HEALTH[10:-2] + b"Connection: close\r\n\r\n"
    with (
        sent(running, begun) as first,
        sent(running, begun) as second,
        ThreadPoolExecutor() as pool,
    ):
        until(lambda: len(running.server.active_channels) == 2)
        third = pool.submit(running.post, 5)
        for connection in (first, second):
            connection.sendall(rest)
            assert b"alive" in everything(connection)
        assert third.result().json() == {"message": "5"}


@pytest.mark.usefixtures("ready")
def test_where_there_is_no_room_the_connection_that_is_idle_for_longest_gives_way(
    serve: Callable[..., Running],
) -> None:
    running = serve(connection_limit=4)
    with sent(running, HEALTH) as first, running.connect() as second:
        receive_up_to(first, b"alive")
        # Its thread notes when it was last active after the answer has gone out.
        until(lambda: running.server.task_dispatcher.active_count == 0)
        second.sendall(HEALTH)
        receive_up_to(second, b"alive")
        assert running.post(5).json() == {"message": "5"}
        assert everything(first) == b""
        second.sendall(HEALTH)
        receive_up_to(second, b"alive")


@pytest.mark.usefixtures("ready")
def test_where_there_is_no_room_the_request_that_has_been_coming_for_longest_gives_way(
    serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.server.PATIENCE", 0.2)
    running = serve(connection_limit=4)
    with running.connect() as first, running.connect() as second:
        first.sendall(head(NBYTES))
        until(lambda: len(running.server.active_channels) == 2)
        second.sendall(head(NBYTES))
        assert running.post(5).json() == {"message": "5"}
        status, answer = parts(everything(first))
        assert (status, answer["detail"]) == (408, "the whole request did not arrive in time")


def test_all_who_wait_are_accepted_in_one_turn(service: Service) -> None:
    port = free_port()
    server = Server(create_app(service), listen("127.0.0.1", port), ServeSettings(), QUICK)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), FOREVER))
        server._turn()
        assert len(server.active_channels) == 20
    server.stop()
    assert server.run() is True


def test_all_who_wait_to_be_accepted_when_it_stops_are_answered(
    serve: Callable[..., Running],
) -> None:
    running = serve(connection_limit=3)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(sent(running, HEALTH[:-2]))
        until(lambda: bool(running.server.active_channels))
        others = [stack.enter_context(sent(running, HEALTH)) for _ in range(5)]
        running.server.stop()
        for connection in others:
            assert alive(everything(connection))
        first.sendall(b"\r\n")
        assert alive(everything(first))


def test_what_is_in_flight_when_it_stops_is_answered(
    serve: Callable[..., Running], held: Held
) -> None:
    running = serve(threads=4)
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(running.post, value) for value in range(12)]
        held.wait_until_entered()
        with running.connect() as half:
            half.sendall(head(NBYTES) + bytes(1000))
            until(lambda: len(running.server.active_channels) == 13)
            running.server.stop()
            held.released.set()
            assert [answer.result().json() for answer in answers] == [
                {"message": str(value)} for value in range(12)
            ]
            half.sendall(bytes(NBYTES - 1000))
            answer = everything(half)
    assert b"Connection: close" in answer
    assert parts(answer) == (200, {"message": "0"})
    assert running.finished.result(FOREVER) is True
    with pytest.raises(ConnectionRefusedError):
        running.connect()


def test_a_client_is_not_told_to_connect_again_just_when_the_address_is_given_up(
    serve: Callable[..., Running], held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = serve()
    give_up = running.server._stop_accepting
    received = []

    def answer_first() -> None:
        held.released.set()
        received.append(connection.recv(65536))
        give_up()

    monkeypatch.setattr(running.server, "_stop_accepting", answer_first)
    request = head(NBYTES).replace(b"POST /", b"POST /predict") + bytes(NBYTES)
    with sent(running, request) as connection:
        held.wait_until_entered()
        assert running.stop() is True
    assert b" 200 OK" in received[0]
    assert b"Connection: close" not in received[0]


def test_requests_pipelined_before_the_end_are_all_answered(
    serve: Callable[..., Running], held: Held
) -> None:
    running = serve()
    request = head(NBYTES) + bytes([7]) * NBYTES
    with sent(running, 3 * request) as connection:
        held.wait_until_entered()
        running.server.stop()
        held.released.set()
        answers = everything(connection)
    assert answers.count(b'{"message":"7"}') == 3
    assert answers.count(b"Connection: close") == 1


def test_an_idle_connection_does_not_hold_up_the_end(serve: Callable[..., Running]) -> None:
    running = serve(shutdown_timeout=FOREVER)
    with sent(running, HEALTH + b"\r\n") as connection, running.connect() as fresh:
        receive_up_to(connection, b"alive")
        assert running.stop() is True
        assert everything(connection) == everything(fresh) == b""


def test_a_server_that_has_ended_is_freed(service: Service) -> None:
    port = free_port()
    server = Server(create_app(service), listen("127.0.0.1", port), ServeSettings(), QUICK)
    gone = weakref.ref(server)
    with socket.create_connection(("127.0.0.1", port), FOREVER) as connection:
        connection.sendall(HEALTH)
        server.stop()
        assert server.run() is True
        assert alive(everything(connection))
    del server
    gc.collect()
    assert gone() is None


def test_a_request_that_comes_while_it_ends_is_answered(serve: Callable[..., Running]) -> None:
    running = serve()
    with running.connect() as connection:
        until(lambda: bool(running.server.active_channels))
        running.server.stop()
        until(lambda: running.server.closed)
        connection.sendall(HEALTH)
        answer = everything(connection)
    assert b"Connection: close" in answer
    assert alive(answer)


def test_what_does_not_end_in_time_is_cut_off(serve: Callable[..., Running], held: Held) -> None:
    running = serve(shutdown_timeout=0.5)
    with sent(running, head(NBYTES) + bytes(NBYTES)) as stuck, running.connect() as half:
        half.sendall(head(NBYTES))
        held.wait_until_entered()
        assert running.stop() is False
        assert everything(stuck) == everything(half) == b""
        held.released.set()


def test_an_answer_after_the_end_is_not_announced_on_a_descriptor_that_is_closed(
    serve: Callable[..., Running], held: Held, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    running = serve(shutdown_timeout=0.5)
    with sent(running, head(NBYTES) + bytes(NBYTES)):
        held.wait_until_entered()
        assert running.stop() is False
    held.released.set()
    service.batcher.submit(np.zeros((1, *INPUT_SHAPE), np.uint8), FOREVER)
    assert "exception calling callback" not in caplog.text


def test_probes_are_answered_while_every_thread_is_busy(
    serve: Callable[..., Running], held: Held
) -> None:
    running = serve(threads=1)
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(running.predict, 5, 1)
        held.wait_until_entered()
        with running.connect() as connection:
            connection.sendall(HEALTH)
            receive_up_to(connection, b"alive")
        held.released.set()
        assert busy.result().status_code == 200


def test_pipelined_requests_do_not_wait_for_something_else_to_happen(
    serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.server.TICK", 2 * FOREVER)
    with sent(serve(), 2 * HEALTH + HEALTH[:-2] + b"Connection: close\r\n\r\n") as connection:
        assert everything(connection).count(b"alive") == 3


def test_images_beyond_those_that_may_wait_are_refused_at_once(
    serve: Callable[..., Running], held: Held
) -> None:
    running = serve()
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(running.post, 1)
        held.wait_until_entered()
        waiting = [pool.submit(running.predict, value, 64) for value in range(4)]
        until(lambda: running.waiting() == 256)
        refused = running.post(2)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert refused.json()["detail"] == "256 images wait for the model already"
        held.released.set()
        assert {answer.result().status_code for answer in [first, *waiting]} == {200}


def test_requests_beyond_those_that_may_wait_for_a_thread_are_refused_at_once(
    serve: Callable[..., Running], held: Held, service: Service
) -> None:
    running = serve(threads=1, max_waiting=64)
    request = head(NBYTES).replace(b"POST /", b"POST /predict") + bytes(NBYTES)
    with contextlib.ExitStack() as stack:
        stack.enter_context(sent(running, request))
        held.wait_until_entered()
        waiting = [stack.enter_context(sent(running, request)) for _ in range(64)]
        until(lambda: len(running.server.task_dispatcher.queue) == 64)
        received = everything(stack.enter_context(sent(running, request)))
        assert b"Retry-After: 1\r\n" in received
        status, answer = parts(received)
        assert status == 503
        assert answer["detail"] == "too many requests wait already: try again in a second"
        until(lambda: counted(service, 'method="POST",route="/predict",status="503"') == 1)
        probe = stack.enter_context(sent(running, HEALTH))
        receive_up_to(probe, b"alive")  # or the pod would be restarted for being busy
        held.released.set()
        for connection in waiting:
            receive_up_to(connection, b"200 OK")


@pytest.mark.parametrize(
    ("request_", "labels"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 'method="other",route="none",status="400"'),
        (b"GET /health HTTP/1.1\r\n\r\n", 'method="GET",route="/health",status="400"'),
        (b"GET /made-up HTTP/1.1\r\n\r\n", 'method="GET",route="none",status="400"'),
        (b"MADE-UP / HTTP/1.1\r\n\r\n", 'method="other",route="none",status="400"'),
        (head(MAX_BODY + 1), 'method="POST",route="/",status="413"'),
    ],
)
def test_what_the_application_never_gets_is_counted(
    serve: Callable[..., Running], service: Service, request_: bytes, labels: str
) -> None:
    running = serve()
    for _ in range(2):
        with sent(running, request_) as connection:
            assert everything(connection)
    until(lambda: counted(service, labels) == 2)
    assert "classifier_request_seconds_count" not in service.metrics.exposition().decode()


def counted(service: Service, labels: str) -> float:
    found = re.search(
        rf"^classifier_requests_total{{{labels}}} (.+)$",
        service.metrics.exposition().decode(),
        re.MULTILINE,
    )
    return float(found[1]) if found else 0


def test_what_waits_for_a_caller_that_has_gone_is_never_predicted(
    serve: Callable[..., Running], held: Held
) -> None:
    running = serve()
    with sent(running, head(NBYTES) + bytes([1]) * NBYTES) as first:
        held.wait_until_entered()
        with sent(running, head(NBYTES) + bytes([2]) * NBYTES):
            until(lambda: running.waiting() == 1)
        until(lambda: any(each.gone for each in running.server.active_channels.values()))
        held.released.set()
        receive_up_to(first, b'"1"')
    assert running.post(3).json() == {"message": "3"}
    assert held.seen == [1, 3]


def test_requests_are_answered_though_nobody_reads_the_log(
    serve: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    handler, log = NonBlockingHandler(writer), logging.getLogger("api.access")
    monkeypatch.setattr(log, "handlers", [handler])
    monkeypatch.setattr(log, "level", logging.INFO)
    running = serve()
    with os.fdopen(reader) as lines:
        for _ in range(100):
            assert requests.get(f"{running.url}/health", timeout=FOREVER).status_code == 200
        written = [lines.readline() for _ in range(100)]
        assert requests.get(f"{running.url}/ready", timeout=FOREVER).status_code == 503
        written.append(lines.readline())
        handler.flush()
    os.close(writer)
    assert [line.split()[1] for line in written] == ["path=/health"] * 100 + ["path=/ready"]


def test_an_address_that_is_taken_or_not_ours_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1 port {port}: Address already in use"):
            listen("127.0.0.1", port)
    with pytest.raises(CannotListen, match="SERVE_HOST"):
        listen("192.0.2.1", 8000)
    with pytest.raises(CannotListen, match="no-such-host"):
        listen("no-such-host.invalid", 8000)
    with pytest.raises(CannotListen, match="SERVE_HOST"):
        listen("x" * 300, 8000)


class Interrupted(io.RawIOBase):
    """What is written to while SIGTERM comes, once."""

    came = False

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        if not self.came:
            self.came = True
            signal.raise_signal(signal.SIGTERM)
        return memoryview(data).nbytes


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the handlers of signals and of the log back afterwards."""
    root, numbers = logging.getLogger(), (signal.SIGTERM, signal.SIGINT)
    logs, before = list(root.handlers), [signal.getsignal(each) for each in numbers]
    yield
    root.handlers[:] = logs
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_signal_in_the_middle_of_a_line_of_the_log_stops_the_server(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(create_app(service), listen("127.0.0.1", free_port()), ServeSettings())
    stop_on_signals(service.holder, server)
    caplog.set_level(logging.INFO)
    lines = io.TextIOWrapper(io.BufferedWriter(Interrupted()), line_buffering=True)
    monkeypatch.setattr("sys.stderr", lines)  # where logging tells of what it cannot write
    logging.getLogger().addHandler(logging.StreamHandler(lines))
    logging.getLogger("api.access").info("a request")
    draining = server.draining
    server.stop()
    assert server.run() is True
    assert draining

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.servers import Server
from benchmarks.visit import Asker
from tests.http_server import answering

BODIES = [bytes([number]) for number in range(40)]
ANSWERS = [str(number) for number in range(40)]


class FirstByte(BaseHTTPRequestHandler):
    """Answers with the first byte of what it is sent, and 500 to a 39."""

    def do_POST(self) -> None:
        number = self.rfile.read(int(self.headers["Content-Length"]))[0]
        answer = json.dumps({"message": str(number)}).encode()
        self.send_response(500 if number == 39 else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Patient(ThreadingHTTPServer):
    """Lets many connect at once."""

    request_queue_size = 100


@pytest.fixture
def url() -> Iterator[str]:
    with answering(Patient(("127.0.0.1", 0), FirstByte)) as url:
        yield f"{url}/"


def asker(url: str, answers: list[str], from_model: bool = True) -> Asker:
    return Asker(Server([], Path(), from_model=from_model), url, BODIES[: len(answers)], answers)


def test_right_answers_are_right(url: str) -> None:
    assert asker(url, ANSWERS[:39]).count_wrong() == 0


def test_an_error_is_no_right_answer(url: str) -> None:
    assert asker(url, ANSWERS).count_wrong() == 1


def test_answers_that_are_mixed_up_are_wrong(url: str) -> None:
    assert asker(url, ["1", "0", *ANSWERS[2:30]]).count_wrong() == 2


def test_an_echo_has_no_right_answer_but_may_fail(url: str) -> None:
    assert asker(url, ["x"] * 40, from_model=False).count_wrong() == 1


def test_a_server_that_is_gone_gives_no_right_answer() -> None:
    assert asker("http://127.0.0.1:1/", ANSWERS[:3]).count_wrong() == 3

"""What the smoke test makes of a service's answers."""

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from jenkins.client import Client
from jenkins.errors import DeliveryError, NoImages, NotReady
from jenkins.smoke import main
from tests.http_server import answering
from tests.training.squares import paint

VERSION = "a" * 64
CLASSES = ["blue", "green", "red"]


class Service(BaseHTTPRequestHandler):
    """Answers by the brightest channel of an image's first pixels, or as it is told."""

    answers: ClassVar[dict[str, tuple[int, object]]]

    def do_GET(self) -> None:
        self.answer(*self.answers[self.path])

    def do_POST(self) -> None:
        image = self.rfile.read(int(self.headers["Content-Length"]))
        sums = [sum(image[channel:3072:3]) for channel in (2, 1, 0)]
        right = {"message": str(sums.index(max(sums)))}
        self.answer(*self.answers.get("POST", (200, right)))

    def answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The address of a service that answers rightly, until a test changes that."""
    Service.answers = {
        "/ready": (200, {"message": "ready"}),
        "/info": (200, {"data": {"version": VERSION, "classes": CLASSES}}),
    }
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Service)) as url:
        yield url


def smoke(url: str, images: Path, *more: str) -> int:
    """Run the smoke test on a service."""
    return main([f"--url={url}", f"--data={images}", "--ready-within=0", *more])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Squares of three colours."""
    return paint(tmp_path / "squares", 20)


def test_right_answers_pass(service: str, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke(service, images, f"--version={VERSION}") == 0
    assert "8 of 8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "answer", "reason"),
    [
        ("/ready", (503, {"error": "no model yet"}), "is not ready: {"),
        ("/info", (200, {"data": {"version": "b" * 64, "classes": CLASSES}}), "instead of aaaa"),
        ("/info", (200, {"version": VERSION, "classes": CLASSES}), "answered no data"),
        ("/info", (200, {"data": {"version": VERSION}}), "names no classes"),
        (
            "/info",
            (200, {"data": {"version": VERSION, "classes": CLASSES[::-1]}}),
            "and 80% must be",
        ),
        ("POST", (503, {"error": "busy"}), "answered 503"),
        ("POST", (200, {"message": "7"}), "only 0 of 8"),
        ("POST", (200, {"message": 7}), "not one message"),
        ("POST", (200, ["7"]), "answered 200"),
    ],
)
def test_other_answers_fail_with_the_reason(
    service: str, images: Path, path: str, answer: tuple[int, object], reason: str
) -> None:
    Service.answers[path] = answer
    with pytest.raises(DeliveryError, match=re.escape(reason)) as failure:
        smoke(service, images, f"--version={VERSION}")
    assert failure.value.exit_code == 1


def test_nobody_listens(images: Path) -> None:
    with pytest.raises(NotReady, match="cannot be reached"):
        smoke("http://127.0.0.1:1", images)


def test_waiting_ends_with_the_process() -> None:
    client = Client("http://127.0.0.1:1", 1)
    with pytest.raises(NotReady, match="its process ended"):
        client.wait_until_ready(60, lambda: "its process ended")


def test_there_is_nothing_to_post(service: str, tmp_path: Path) -> None:
    with pytest.raises(NoImages, match="SMOKE_DATA"):
        smoke(service, paint(tmp_path / "one", 1, seed=2))

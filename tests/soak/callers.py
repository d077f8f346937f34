"""Callers in a process of their own, who ask at a steady rate and write down what they get.

    python -m tests.soak.callers URL FILE [--connections N] [--rate R] [--patient]

They ask until standard input ends. Patient ones are users of ``client``, which asks again.
"""

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from client import Client, ClientError
from images import NBYTES
from tests.client.pictures import picture

ROOT = Path(__file__).parents[2]
WITHIN = 60.0  # seconds
RETRIES = 60  # of patient callers: some minutes
IMAGES = 2  # in a request to /predict
SINGLES = 3  # requests to / for each one to /predict


@dataclass(frozen=True)
class Asked:
    """A valid request, and what came of it.

    Attributes:
        id: the request's.
        begun: when, on the monotonic clock.
        seconds: until its answer had come.
        status: of the answer; 0 if there was none.
        answers: each a version and a label, or an index where no version is told.
        error: what there was instead.
    """

    id: str
    begun: float
    seconds: float
    status: int
    answers: tuple[tuple[str, str], ...] = ()
    error: str = ""


class Callers:
    """The process, which ends with the block.

    Args:
        url: of the service.
        file: for what they write down.
        connections: how many ask at once.
        rate: requests in a second, of all of them.
        patient: whether they ask again where there was no answer.
    """

    def __init__(
        self, url: str, file: Path, connections: int = 4, rate: float = 80, patient: bool = False
    ) -> None:
        self._file = file
        options = [f"--connections={connections}", f"--rate={rate}", *["--patient"] * patient]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.callers", url, str(file), *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.stop()
        finally:
            self._process.kill()
            self._process.communicate()

    def stop(self) -> list[Asked]:
        """Let them end, and return what came of every request."""
        self._process.communicate(timeout=2 * WITHIN)
        assert self._process.returncode == 0
        return self.asked()

    def asked(self) -> list[Asked]:
        """What came of every request until now."""
        if not self._file.exists():
            return []
        whole, _, _ = self._file.read_text().rpartition("\n")
        return [_read(line) for line in whole.splitlines()]

    def wait_for(self, count: int) -> None:
        """Wait until so many requests have been made."""
        seen, deadline = 0, time.monotonic() + WITHIN
        while (now := self._count()) < count:
            if now > seen:
                seen, deadline = now, time.monotonic() + WITHIN
            assert self._process.poll() is None
            assert time.monotonic() < deadline, "no request was answered or failed for a minute"
            time.sleep(0.05)

    def _count(self) -> int:
        return self._file.read_bytes().count(b"\n") if self._file.exists() else 0


def _read(line: str) -> Asked:
    fields = json.loads(line)
    return Asked(**fields | {"answers": tuple(map(tuple, fields["answers"]))})


Ask = Callable[[str, int], Asked]


class Hasty:
    """Asks once, on one connection that is kept."""

    def __init__(self, url: str) -> None:
        address = url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(address, timeout=WITHIN)

    def __call__(self, name: str, number: int) -> Asked:
        """Ask ``/`` or ``/predict``."""
        begun = time.monotonic()
        count, path = (IMAGES, "/predict") if number % (SINGLES + 1) == 0 else (1, "/")
        try:
            headers = {"X-Request-Id": name}
            self._connection.request("POST", path, bytes(count * NBYTES), headers)
            answer = self._connection.getresponse()
            document = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            return Asked(name, begun, time.monotonic() - begun, 0, error=repr(error))
        seconds = time.monotonic() - begun
        if answer.status != http.HTTPStatus.OK:
            return Asked(name, begun, seconds, answer.status, error=json.dumps(document))
        return Asked(name, begun, seconds, answer.status, tuple(_answers(document)))


class Patient:
    """Asks by the client."""

    def __init__(self, url: str) -> None:
        self._client = Client(url, retries=RETRIES, timeout=WITHIN)
        self._image = picture("red")

    def __call__(self, name: str, number: int) -> Asked:
        """Ask ``/predict``."""
        begun = time.monotonic()
        try:
            found = self._client.classify_batch([self._image] * IMAGES)
        except ClientError as error:
            return Asked(name, begun, time.monotonic() - begun, 0, error=repr(error))
        answers = tuple((each.version, each.label) for each in found)
        return Asked(name, begun, time.monotonic() - begun, 200, answers)


def _answers(document: Any) -> Iterator[tuple[str, str]]:
    if "data" not in document:
        yield "", document["message"]
        return
    for each in document["data"]["predictions"]:
        yield document["data"]["version"], each["label"]


def main() -> None:
    """Ask until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("file", type=Path)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rate", type=float, default=80)
    parser.add_argument("--patient", action="store_true")
    options = parser.parse_args()
    enough = threading.Event()
    with options.file.open("w", buffering=1) as notes:
        threads = [
            threading.Thread(
                target=ask_on,
                args=(
                    Patient(options.url) if options.patient else Hasty(options.url),
                    f"caller-{number}",
                    options.connections / options.rate,
                    enough,
                    notes,
                ),
            )
            for number in range(options.connections)
        ]
        for thread in threads:
            thread.start()
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()
        enough.set()
        for thread in threads:
            thread.join()


def ask_on(ask: Ask, name: str, interval: float, enough: threading.Event, notes: TextIO) -> None:
    """Ask every ``interval`` seconds, or as fast as answers come."""
    number, due = 0, time.monotonic()
    while not enough.wait(max(0, due - time.monotonic())):
        due = max(due + interval, time.monotonic() - interval)
        asked = ask(f"{name}-{number}", number)
        notes.write(json.dumps(asdict(asked)) + "\n")
        number += 1


if __name__ == "__main__":
    main()

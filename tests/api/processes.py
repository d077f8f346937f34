"""``python -m api`` as a process of its own."""

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Self

import requests

from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
WITHIN = 120.0  # seconds; TensorFlow takes most of a minute to load on a busy machine


class Process:
    """The service on a free port, with its registry, cache and log in a folder of the test.

    A variable of its own may say on which port instead.

    Leaving the block ends it, and fails if it did not end in order.

    Args:
        folder: of the test.
        flags: of the command.
        program: the module that is run in its place.
        variables: more of the environment.
    """

    def __init__(self, folder: Path, *flags: str, program: str = "api", **variables: str) -> None:
        self.port = int(variables.get("SERVE_PORT", free_port()))
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"api-{self.port}.log"
        own = {
            "PYTHONPATH": str(ROOT),
            "SERVE_PORT": str(self.port),
            "REGISTRY_URL": "file:registry",
            "MODEL_CACHE": "cache",
            "MODEL_REFRESH_SECONDS": "0.1",
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", program, *flags],
                cwd=folder,
                env=os.environ | own | variables,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            sys.stdout.write(self.log)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.wait()
        finally:
            self.process.kill()
        assert kind or code == 0, self.log

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        return self._log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log, without what TensorFlow writes by itself."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def wait(self) -> int:
        """Wait for its end, and return the exit code."""
        return self.process.wait(WITHIN)

    def wait_for(self, path: str, status: int = 200) -> dict[str, Any]:
        """Ask until the answer has the status, and return its document."""
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                answer = requests.get(self.url + path, timeout=WITHIN)
            except requests.ConnectionError:
                answer = None  # it does not listen yet
            if answer is not None and answer.status_code == status:
                document: dict[str, Any] = answer.json()
                return document
            time.sleep(0.05)
        raise AssertionError(f"{path} did not answer {status} in time: {self.log}")

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), WITHIN)


def call_until_refused(
    port: int,
    right: Mapping[bytes, Collection[str]],
    answered: Callable[[], object] = lambda: None,
) -> int:
    """POST again and again on one connection, until nobody listens any more.

    Args:
        port: where the service listens.
        right: for each image, what it may be answered.
        answered: is called after each answer.

    Returns:
        How many answers came, all of them right.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN)
    for count, (picture, answers) in enumerate(itertools.cycle(right.items())):
        try:
            connection.request("POST", "/", picture)
        except ConnectionRefusedError:
            return count
        answer = connection.getresponse()
        document = json.load(answer)
        assert answer.status == 200, document
        assert document["message"] in answers
        answered()
    raise AssertionError("unreachable")

"""The service as a child process on a free port, and a client of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any, Self

import requests

from process.errors import Failure

POLL = 0.2  # seconds between two questions whether the service is ready
STOP_WITHIN = 60  # seconds, above the service's own limit for a graceful shutdown


class Service:
    """``python -m api`` as a process of our own, stopped when the block is left.

    Args:
        process: the service.
        address: where it listens.
        cache: its cache of models, removed when it has stopped.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        address: str,
        cache: tempfile.TemporaryDirectory[str],
    ) -> None:
        self._process = process
        self._cache = cache
        self._session = requests.Session()
        self.address = address

    @classmethod
    def start(cls) -> "Service":
        """Start the service on a port that is free now."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        # A line of log for each of some hundred requests would bury the answers.
        quiet = {"LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}
        # One that remembers what served would refuse a registry that was begun anew since.
        cache = tempfile.TemporaryDirectory(prefix="classifier-cache-")
        variables = quiet | {
            "SERVE_HOST": "127.0.0.1",
            "SERVE_PORT": str(port),
            "MODEL_CACHE": cache.name,
        }
        process = subprocess.Popen([sys.executable, "-m", "api"], env=os.environ | variables)
        return cls(process, f"http://127.0.0.1:{port}", cache)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Failure(f"the service did not stop within {STOP_WITHIN} s of SIGTERM") from None
        finally:
            self._cache.cleanup()
        if code:
            raise Failure(f"the service ended with exit code {code}")

    def wait_until_ready(self, seconds: float) -> dict[str, Any]:
        """Wait for ``/ready`` and return what ``/info`` says.

        Raises:
            Failure: the service ended, or was not ready in time; the message has its reason.
        """
        deadline = time.monotonic() + seconds
        reason = "it does not listen"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Failure(f"the service ended with exit code {self._process.returncode}")
            with contextlib.suppress(requests.ConnectionError):
                answer = self._session.get(f"{self.address}/ready", timeout=10)
                if answer.ok:
                    return self.info()
                reason = answer.text.strip()
            time.sleep(POLL)
        raise Failure(f"the service was not ready within {seconds:.0f} s: {reason}")

    def info(self) -> dict[str, Any]:
        """What ``/info`` says of the model that serves."""
        answer = self._session.get(f"{self.address}/info", timeout=10)
        info: dict[str, Any] = answer.json()["data"]
        return info

    def classify(self, image: bytes) -> str:
        """POST the raw bytes of one image and return the message of the answer.

        Raises:
            Failure: the service answered with an error.
        """
        answer = self._session.post(
            f"{self.address}/",
            data=image,
            headers={"Content-Type": "application/octet-stream"},
            timeout=30,
        )
        if not answer.ok:
            raise Failure(f"POST / answered {answer.status_code}: {answer.text.strip()}")
        message: str = answer.json()["message"]
        return message

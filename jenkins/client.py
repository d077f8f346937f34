"""A client of the service, as its callers are."""

import time
from collections.abc import Callable
from typing import Any

import requests

from jenkins.errors import BadAnswers, NotReady

POLL = 0.2  # seconds between two questions whether the service is ready


class Client:
    """The service at an address.

    Args:
        url: the address, without a path.
        timeout: seconds to wait for each answer.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout

    def wait_until_ready(self, within: float, given_up: Callable[[], str] = lambda: "") -> None:
        """Return when ``/ready`` answers 200.

        Args:
            within: seconds; it is asked once at least.
            given_up: says why waiting is in vain, if it is.

        Raises:
            NotReady: it did not; the message has the service's own reason.
        """
        deadline = time.monotonic() + within
        while reason := self._unready():
            hopeless = given_up()
            if hopeless or time.monotonic() >= deadline:
                raise NotReady(
                    f"{self._url} is not ready: {hopeless or f'{reason}, after {within:g} s'}"
                )
            time.sleep(POLL)

    def info(self) -> dict[str, Any]:
        """What ``/info`` says of the model that serves.

        Raises:
            BadAnswers: an error, or not JSON.
        """
        data = self._json("GET", "/info").get("data")
        if not isinstance(data, dict):
            raise BadAnswers(f"GET {self._url}/info answered no data")
        return data

    def classify(self, image: bytes) -> str:
        """POST the raw bytes of one image and return the message of the answer.

        Raises:
            BadAnswers: an error, or not the JSON that callers expect.
        """
        answer = self._json("POST", "/", image)
        if set(answer) != {"message"} or not isinstance(answer["message"], str):
            raise BadAnswers(f"POST {self._url}/ answered {answer}, not one message")
        return answer["message"]

    def _unready(self) -> str:
        try:
            answer = requests.get(f"{self._url}/ready", timeout=self._timeout)
        except requests.RequestException as error:
            return f"it cannot be reached ({type(error).__name__})"
        return "" if answer.status_code == 200 else answer.text.strip()

    def _json(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        asked = f"{method} {self._url}{path}"
        headers = {"Content-Type": "application/octet-stream"} if body is not None else None
        try:
            answer = requests.request(
                method, self._url + path, data=body, headers=headers, timeout=self._timeout
            )
            answered: Any = answer.json()
        except requests.RequestException as error:
            raise BadAnswers(f"{asked} has no answer that can be read: {error}") from error
        if answer.status_code != 200 or not isinstance(answered, dict):
            raise BadAnswers(f"{asked} answered {answer.status_code}: {answer.text.strip()}")
        return answered

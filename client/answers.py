"""An answer that has come whole, from whomever: it may be of any size and say anything."""

import json
from dataclasses import dataclass
from typing import Any, Self

import requests

from client.errors import NoClassifier

LARGEST = 64 * 1024**2  # bytes; 64 images with explanations and 1,000 classes take a tenth of that
CHUNK = 64 * 1024  # bytes
SHOWN = 200  # characters of what somebody else answers


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Attributes:
        url: what was asked.
        status: of HTTP.
        reason: what the status is called there.
        location: where to ask instead; empty if nowhere.
        body: as it was before it was compressed.
    """

    url: str
    status: int
    reason: str
    location: str
    body: bytes

    @classmethod
    def read(cls, response: requests.Response) -> Self:
        """Wait for the whole of an answer, and leave one that is too large.

        Raises:
            NoClassifier: it is.
            requests.RequestException: it has not come whole.
        """
        body = bytearray()
        with response:
            for part in response.iter_content(CHUNK):
                body += part
                if len(body) > LARGEST:
                    raise NoClassifier(
                        f"{response.url} is not the address of an image classifier: it answers "
                        f"more than {LARGEST:,} bytes"
                    )
        location = response.headers.get("Location", "")
        return cls(response.url, response.status_code, response.reason, location, bytes(body))

    def document(self) -> Any:
        """The JSON in it.

        Raises:
            ValueError: there is none, or none that Python can hold.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("lists in lists, too deep") from None

    def __str__(self) -> str:
        """What it says, in short, for a person."""
        text = self.location or " ".join(self.body[: 4 * SHOWN].decode(errors="replace").split())
        if len(text) > SHOWN:
            text = text[:SHOWN] + "..."
        return f"{self.status} {self.reason} {text}".rstrip()

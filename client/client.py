"""The service at an address, over connections that are kept."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import ChunkedEncodingError

from client import predictions
from client.answers import Answer
from client.errors import NoClassifier, Problem, Unreachable, WrongAddress, WrongToken, kind
from client.predictions import Prediction
from client.retries import retries as so_many

TIMEOUT = 40.0  # seconds: the service itself gives up after 30
RETRIES = 5  # which take some 8 s, where nobody listens

# Nobody there, or no such way in; the service itself has one at every address that is right.
ELSEWHERE = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


class Client:
    """Asks the service at an address about images; for one thread at a time.

    Args:
        url: the address, with the path before ``/predict`` if there is one, and no user in it.
        token: what the service knows the caller by, where it asks for that.
        timeout: seconds to wait for a connection, and then for each answer.
        retries: how often a request is repeated that was not answered, or only with a temporary
            error.

    Raises:
        WrongAddress: the address is none.
        WrongToken: the token can be none.
    """

    def __init__(
        self, url: str, token: str = "", *, timeout: float = TIMEOUT, retries: int = RETRIES
    ) -> None:
        self._url = _checked(url)
        self._timeout = timeout
        self._retries = retries
        self._session = requests.Session()
        self._session.auth = _Bearer(token.strip())
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=so_many(retries)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def classify(
        self,
        image: bytes,
        *,
        proba: bool = False,
        explain: bool = False,
        threshold: float | None = None,
    ) -> Prediction:
        """What the model says of an image file; arguments and errors are those of the batch."""
        [prediction] = self.classify_batch(
            [image], proba=proba, explain=explain, threshold=threshold
        )
        return prediction

    def classify_batch(
        self,
        images: Sequence[bytes],
        *,
        proba: bool = False,
        explain: bool = False,
        threshold: float | None = None,
    ) -> list[Prediction]:
        """What one version of the model says of several image files, in their order.

        Args:
            images: PNG, JPEG, WebP or BMP files, at most 64, in 8 MiB together.
            proba: whether to ask for the probabilities of all classes.
            explain: whether to ask why.
            threshold: the confidence below which a label is ``other``; None for the service's own.

        Raises:
            Unreachable: no answer came.
            NoClassifier: somebody else answers at the address.
            Problem: the service says why it does not answer.
        """
        if not images:
            return []
        wishes = {"proba": "1" if proba else None, "explain": "1" if explain else None}
        answer = self._post(images, wishes | {"threshold": threshold})
        if answer.status != HTTPStatus.OK:
            raise self._problem(answer)
        try:
            found = predictions.read(answer.document())
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise self._no_classifier(answer) from error
        if len(found) != len(images):
            raise self._no_classifier(answer)
        return found

    def _post(self, images: Sequence[bytes], query: dict[str, Any]) -> Answer:
        parts = [("image", (f"image-{index}", image)) for index, image in enumerate(images)]
        try:
            return self._whole_answer(
                f"{self._url}/predict",
                files=parts,
                params=query,
                timeout=self._timeout,
                allow_redirects=False,  # which would take the token along, and make it a GET
                stream=True,
            )
        except (requests.RequestException, OverflowError, ValueError) as error:
            # The last two are of headers that urllib3 takes for numbers, dates and addresses.
            raise Unreachable(f"{self._url} does not answer: {_reason(error)}") from error

    def _whole_answer(self, url: str, **options: Any) -> Answer:
        """Ask again also for an answer that ended in the middle, which the adapter does not."""
        for _ in range(self._retries):
            with suppress(ChunkedEncodingError):
                return Answer.read(self._session.post(url, **options))
        return Answer.read(self._session.post(url, **options))

    def _problem(self, answer: Answer) -> Problem | NoClassifier:
        status = answer.status
        if status in ELSEWHERE or status < HTTPStatus.BAD_REQUEST:
            return self._no_classifier(answer)
        try:
            return kind(status).read(answer.document(), status)
        except (KeyError, TypeError, ValueError):
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return self._no_classifier(answer)
            return kind(status)(f"{self._url} answers {status} {answer.reason}", status)

    def _no_classifier(self, answer: Answer) -> NoClassifier:
        return NoClassifier(
            f"{self._url} is not the address of an image classifier: POST {answer.url} answers "
            f"{answer}"
        )


class _Bearer(AuthBase):
    """Shows the token, if there is one, and nothing of ~/.netrc in its place."""

    def __init__(self, token: str) -> None:
        if not token.isprintable():
            raise WrongToken(
                "the token has a line break or the like in it: give what POST /token answered"
            )
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            value = f"Bearer {self._token}".encode()  # whatever characters it has
            request.headers["Authorization"] = value.decode("latin-1")
        return request


def _checked(url: str) -> str:
    if "@" in url:  # the url is in messages, and a password may be before the @
        raise WrongAddress("a user in it is no address: give it as http://host:port, and a token")
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        right = False
    if not right:
        raise WrongAddress(f"{url!r} is no address: give it as http://host:port")
    return url.rstrip("/")


def _reason(error: BaseException) -> str:
    """What the first of a chain of errors says."""
    while earlier := error.__cause__ or error.__context__:
        error = earlier
    return str(getattr(error, "strerror", None) or error)

"""Why an image was not classified.

ClientError
├── WrongAddress     what was given as the service's address is none     exit code 2
├── WrongToken       what was given as a token can be none               exit code 2
├── Unreachable      no answer came, however often it was asked for      exit code 3
├── NoClassifier     somebody else answers there                         exit code 3
└── Problem          the service says why it does not answer
    ├── Refused      it never will: the request is at fault              exit code 1
    ├── Denied       it asks for a token, or for another one             exit code 4
    └── Unavailable  it cannot now: it is loading, busy or broken        exit code 3
"""

from http import HTTPStatus
from typing import Any, Self

from client.values import string


class ClientError(Exception):
    """An image was not classified; the message is a sentence that says why.

    Attributes:
        exit_code: what the command ends with.
    """

    exit_code = 3


class WrongAddress(ClientError):
    """An address begins with ``http://`` or ``https://`` and names a host, and no user."""

    exit_code = 2


class WrongToken(ClientError):
    """A token is one line of text. What was given instead is not repeated: it is a secret."""

    exit_code = 2


class Unreachable(ClientError):
    """There was no connection, no answer in time, or half of one."""


class NoClassifier(ClientError):
    """What answers at the address is no image classifier."""


class Problem(ClientError):
    """Problem details, as the service answers with them (RFC 9457).

    Args:
        detail: a sentence.
        status: the HTTP status.
        request_id: the request's name in the service's log; empty if it did not say.
        faults: what is wrong with the request, each without its place.
    """

    def __init__(
        self, detail: str, status: int, request_id: str = "", faults: tuple[str, ...] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.request_id = request_id
        self.faults = faults

    @classmethod
    def read(cls, document: Any, status: int) -> Self:
        """The problem in an answer's JSON.

        Raises:
            KeyError, TypeError: it holds none.
        """
        faults = tuple(string(each["detail"]) for each in document["errors"])
        return cls(string(document["detail"]), status, string(document["request-id"]), faults)


class Refused(Problem):
    """The request has to change: no image file, one too large, a threshold above 1."""

    exit_code = 1


class Denied(Problem):
    """There is no token, or it does not hold, or not for this."""

    exit_code = 4


class Unavailable(Problem):
    """The same request may be answered later."""


def kind(status: int) -> type[Problem]:
    """What a status of 400 or more means to a caller."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Denied
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unavailable
    return Refused

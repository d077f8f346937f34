"""Why a request is not answered to whoever sent it.

    Refusal
    ├── Unauthenticated   401  there is no token, or it is not good (any more)
    │   └── WrongPassword 401  no user has this name and this password
    ├── Malformed         400  the header with the token is not as it must be
    ├── Forbidden         403  the user may not do this
    ├── NameTaken         409  there is a user of this name
    ├── TooOften          429  the user or the address asks more often than it may
    ├── TooBusy           503  as many passwords as may be are being checked
    └── AccountsAway      503  the database cannot be asked who may do what

What `WWW-Authenticate` says is RFC 6750, 3.
"""

from http import HTTPStatus
from types import MappingProxyType

from api.errors import RETRY_SOON, Refusal

CHALLENGE = 'Bearer realm="image-classifier"'


class Unauthenticated(Refusal):
    """Nobody knows who asks.

    Args:
        message: a sentence that says what to send.
        error: the code of RFC 6750; empty if nothing was sent.
    """

    status = HTTPStatus.UNAUTHORIZED
    location = "header.Authorization"

    def __init__(self, message: str, error: str = "") -> None:
        super().__init__(message)
        code = f', error="{error}", error_description="{message}"' if error else ""
        self.headers = {"WWW-Authenticate": f"{CHALLENGE}{code}"}


class WrongPassword(Unauthenticated):
    """Which of name and password is wrong is not said, nor whether the user is disabled."""

    location = "body"


class Malformed(Unauthenticated):
    """There is an Authorization header of our scheme, and no token can be read from it."""

    status = HTTPStatus.BAD_REQUEST


class Forbidden(Refusal):
    """The user is known, and may not do this."""

    status = HTTPStatus.FORBIDDEN
    headers = MappingProxyType({"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope"'})
    location = "header.Authorization"


class NameTaken(Refusal):
    """There is a user of this name."""

    status = HTTPStatus.CONFLICT
    location = "body.name"


class TooOften(Refusal):
    """More requests came than are answered.

    Args:
        message: a sentence that says of what.
        seconds: after which it is worth to try again.
    """

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(seconds)}


class TooBusy(Refusal):
    """A check of a password takes much memory and time, so that few run at once."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = MappingProxyType({"Retry-After": "1"})  # seconds


class AccountsAway(Refusal):
    """Nobody can say whether this user may do this."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = RETRY_SOON

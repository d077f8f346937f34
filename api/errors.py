"""What the service refuses, and with which status it says so.

    APIError
    ├── CannotListen           SERVE_HOST and SERVE_PORT cannot be listened on
    ├── NothingInProduction    the registry is there, and no model is in production
    ├── CacheUnwritable        a model or a note could not be kept under MODEL_CACHE
    ├── NoVariant              only a variant will do, and none of the version can serve
    └── Refusal                a request is answered with a sentence instead of a class
        ├── WrongLength        400  the body is no image of raw bytes, or no batch of them
        ├── Invalid            400  a parameter or a field of the body is not as it must be
        │   └── BadImage       400  an image file is damaged or of another format
        ├── TooLarge           413  the body, or what is in it, is larger than we take
        ├── Absent             404  there is nothing of this name
        ├── WrongType          415  the body says that it is something that the route does not take
        ├── NotReady           503  no model serves yet
        ├── RegistryAway       503  the registry cannot be asked
        ├── Crowded            503  too many images wait for the predictor
        ├── Overdue            503  the predictor did not answer in time
        ├── CallerGone         503  nobody waits for the answer any more
        └── Stopping           503  the service is shutting down

Refusals are the only errors whose text reaches a caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from process.errors import Failure

RETRY_SOON = MappingProxyType({"Retry-After": "5"})  # seconds


class APIError(Failure):
    """The base of every error of this package."""


class CannotListen(APIError):
    """The address is taken, is not one of this machine's, or needs more rights."""


class NothingInProduction(APIError):
    """The registry answered, and its production stage is empty."""


class CacheUnwritable(APIError):
    """What is to be kept under ``MODEL_CACHE`` cannot be: it is full, or this user may not."""


class NoVariant(APIError):
    """Only a variant of the model can be taken here, and there is none that can serve."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request.

    Attributes:
        location: where, as ``query.threshold`` or ``body.images.3``.
        detail: what is wrong, in a sentence.
    """

    location: str
    detail: str


class Refusal(APIError):
    """A request that is not answered as it asked.

    Attributes:
        status: the HTTP status.
        headers: what the answer carries besides the sentence.
        location: where in the request its fault lies; empty if it has none.
    """

    status = HTTPStatus.BAD_REQUEST
    headers: Mapping[str, str] = MappingProxyType({})
    location = ""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the request; nothing, where the refusal is not its fault."""
        return (Fault(self.location, str(self)),) if self.location else ()


class WrongLength(Refusal):
    """The body is shorter or longer than what the route takes."""

    location = "body"


class Invalid(Refusal):
    """Parts of the request are not as they must be.

    Args:
        faults: one or more.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.location}: {fault.detail}" for fault in faults))
        self._faults = faults

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Each of them."""
        return self._faults


class BadImage(Invalid):
    """The bytes are no whole image in a format that we read."""


class Absent(Refusal):
    """There is nothing of the name that was asked for.

    Args:
        message: a sentence that says what there is.
        location: where in the request the name stands.
    """

    status = HTTPStatus.NOT_FOUND

    def __init__(self, message: str, location: str = "path") -> None:
        super().__init__(message)
        self.location = location


class TooLarge(Refusal):
    """The request is larger than any that a route takes, or holds more than it takes."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    location = "body"


class WrongType(Refusal):
    """The body's declared type or coding is none that the route takes."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    location = "header.Content-Type"


class NotReady(Refusal):
    """There is no model to answer with; the message has the reason."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = RETRY_SOON


class RegistryAway(Refusal):
    """The registry cannot be asked now; the message has the reason."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = RETRY_SOON


class Crowded(Refusal):
    """More is asked than can be answered soon, and to wait in line would help nobody."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = MappingProxyType({"Retry-After": "1"})


class CallerGone(Refusal):
    """The caller closed its connection while the request waited for the model."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = RETRY_SOON


class Overdue(Refusal):
    """The answer did not come within the time that a request may take."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = RETRY_SOON


class Stopping(Refusal):
    """The service has been told to stop and takes no more work."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = RETRY_SOON

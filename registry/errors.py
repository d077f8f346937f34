"""What can go wrong between a program and the registry.

    RegistryError
    ├── NotFound            no such stage record, version or object
    ├── PreconditionFailed  a conditional write found another generation than it expected
    ├── Conflict            the write was lost to another, whose record is attached
    ├── AlreadyThere        the stage holds the version already
    ├── CardDiffers         the version has another card, which stays
    ├── OutcomeUnknown      whether the write took effect could not be read back
    ├── Forbidden           this identity may not do this operation
    ├── Unreachable         the registry did not answer in time
    │   └── Unchanged       and has certainly changed nothing
    ├── Corrupt             what is stored is not what was recorded
    │   └── Untrusted       it is not what somebody with the key has signed
    ├── NotPromotable       the version carries no passing verdict
    ├── Unwritable          the file that a model is fetched to cannot be written
    ├── BadKey              a key is missing or cannot be used (a usage error)
    ├── BadRegistryURL      REGISTRY_URL names no registry (a usage error)
    └── AmbiguousVersion    several versions begin with what was given (a usage error)

A back end raises NotFound, PreconditionFailed, Forbidden, Unreachable and, where the transport
itself finds damage, Corrupt; the rules in :mod:`registry.store` raise the others, and let no
PreconditionFailed pass.
"""

from typing import TYPE_CHECKING, Literal, TypeAlias

from process.errors import Failure, UsageError

if TYPE_CHECKING:
    from registry.record import StageRecord


Fault: TypeAlias = Literal["unsigned", "signed by another key", "altered", "replayed"]
"""Why something is not trusted."""


class RegistryError(Failure):
    """The base of every error of this package."""


class NotFound(RegistryError):
    """The stage is empty, or the version or object does not exist."""


class PreconditionFailed(RegistryError):
    """Another generation is in place than the one the write was conditional on."""


class Conflict(RegistryError):
    """Another actor changed the stage first.

    Attributes:
        winner: the record that is in the stage instead.
    """

    def __init__(self, message: str, winner: "StageRecord | None") -> None:
        super().__init__(message)
        self.winner = winner


class AlreadyThere(RegistryError):
    """The stage holds the version to go back to already."""


class CardDiffers(RegistryError):
    """The version was published before, with a card that means other answers."""


class OutcomeUnknown(RegistryError):
    """The write may or may not have taken effect, and reading it back failed too.

    Attributes:
        operation: the id to look for in the stage's record and history.
    """

    def __init__(self, message: str, operation: str) -> None:
        super().__init__(message)
        self.operation = operation


class Forbidden(RegistryError):
    """The identity lacks a permission; the message names both."""


class Unreachable(RegistryError):
    """The registry could not be reached, or did not answer in time."""


class Unchanged(Unreachable):
    """A write failed before it changed anything."""


class Corrupt(RegistryError):
    """Stored bytes or metadata differ from what was recorded when they were written."""


class Untrusted(Corrupt):
    """The holder of the key has not signed what is stored, or not for where it is stored.

    Attributes:
        reason: why.
    """

    def __init__(self, message: str, reason: Fault) -> None:
        super().__init__(message)
        self.reason = reason


class NotPromotable(RegistryError):
    """The version has no passing verdict of the gate, and promoting it was not forced."""


class Unwritable(RegistryError):
    """The file that a model is fetched to cannot be written."""


class BadRegistryURL(RegistryError, UsageError):
    """``REGISTRY_URL`` does not name a registry."""


class BadKey(RegistryError, UsageError):
    """A file that a key should be in is missing, or cannot be used."""


class AmbiguousVersion(RegistryError, UsageError):
    """Several versions begin with what was given as one."""

"""The seam between the rules of the registry and where its objects lie.

A back end keeps named objects: bytes, string metadata, and a generation that changes with every
write. It knows nothing of models, stages or versions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from registry.roles import Role


@dataclass(frozen=True)
class Blob:
    """An object as it stood when it was looked at.

    Attributes:
        name: its path below the registry's root, with ``/`` between the parts.
        generation: the number of this content, above 0; a later write has a greater one.
        size: bytes.
        metadata: what was stored with it, in the same write.
    """

    name: str
    generation: int
    size: int
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Diagnosis:
    """What a back end can say of its own access.

    Attributes:
        identity: whom the registry sees, as ``user deploy`` or a service account's address.
        location: the bucket or folder.
        permissions: each operation that the stages need, and whether it is allowed; None where
            the registry does not tell.
        problems: what is wrong, a sentence each that says what to change.
        note: why something is not known; empty if it is all told.
    """

    identity: str
    location: str
    permissions: Mapping[str, bool | None]
    problems: tuple[str, ...] = ()
    note: str = ""


class Backend(Protocol):
    """Where objects are kept. Every method may raise Forbidden or Unreachable."""

    def stat(self, name: str) -> Blob | None:
        """The object as it is now, or None; strongly consistent with finished writes."""

    def list(self, prefix: str) -> Iterator[Blob]:
        """Every object whose name starts with ``prefix``, by name. Metadata may be left out."""

    def read(self, blob: Blob, target: BinaryIO) -> None:
        """Stream the content of exactly ``blob``'s generation into ``target``.

        Raises:
            NotFound: that generation is gone.
            Corrupt: the transport's own checksum does not match.
        """

    def create(self, name: str, source: BinaryIO) -> Blob:
        """Write an object that must not exist yet, whole or not at all.

        Raises:
            PreconditionFailed: an object of that name exists.
        """

    def replace_if(
        self, name: str, source: Blob, metadata: Mapping[str, str], generation: int
    ) -> Blob:
        """Put the content of ``source`` and ``metadata`` under ``name`` in one atomic write.

        The write happens only if the object's generation is still ``generation``, where 0 stands
        for an object that does not exist.

        Raises:
            PreconditionFailed: another generation is in place. A back end that repeats a write
                whose answer was lost may raise it although its own first try succeeded: the
                caller reads back.
            Unchanged: it failed, and another generation will never come of it.
            NotFound: the content of ``source`` is gone.
        """

    def diagnose(self, role: Role | None = None) -> Diagnosis:
        """Say who we are to the registry and what we may do there; raises nothing.

        Args:
            role: whose work we have to be allowed to do; None for everyone's, as far as that shows
                without knowing it.
        """

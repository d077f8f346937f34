"""Objects that are written once: creating them, reading them whole, hashing them."""

import hashlib
import io
import tempfile
from typing import BinaryIO

from registry.backend import Backend, Blob
from registry.errors import Corrupt, NotFound, PreconditionFailed, Unreachable

# A back end has its own quick retries; these are for an answer that was lost all the same.
TRIES = 3


def find(backend: Backend, name: str) -> Blob:
    """The object of that name.

    Raises:
        NotFound: there is none.
    """
    blob = backend.stat(name)
    if blob is None:
        raise NotFound(f"the registry has no {name}")
    return blob


def read(backend: Backend, name: str) -> bytes:
    """The whole content of a small object.

    Raises:
        NotFound: there is none of that name.
    """
    return content(backend, find(backend, name))


def content(backend: Backend, blob: Blob) -> bytes:
    """The whole content of a small object that was found before.

    Raises:
        NotFound: it was replaced since.
    """
    target = io.BytesIO()
    backend.read(blob, target)
    return target.getvalue()


def digest(backend: Backend, blob: Blob) -> str:
    """SHA-256 of an object's content, which may be larger than memory."""
    with tempfile.TemporaryFile() as file:
        backend.read(blob, file)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(backend: Backend, blob: Blob, version: str) -> None:
    """Check that an object's content is the model file of ``version``.

    Raises:
        Corrupt: it is not.
    """
    require_digest(digest(backend, blob), version, blob.name)


def require_digest(found: str, version: str, name: str) -> None:
    """Check that what was read from the object ``name`` hashes to ``version``.

    Raises:
        Corrupt: it does not.
    """
    if found != version:
        raise Corrupt(f"{name} was altered or cut short: it hashes to {found}, not to {version}")


def create(backend: Backend, name: str, source: BinaryIO) -> None:
    """Create an object, repeating the call when its answer is lost.

    Raises:
        PreconditionFailed: the object exists, perhaps from a first try whose answer was lost.
    """
    for left in reversed(range(TRIES)):
        try:
            source.seek(0)
            backend.create(name, source)
            return
        except Unreachable:
            if not left:
                raise


def create_once(backend: Backend, name: str, source: BinaryIO) -> bool:
    """Create an object; False if it was there."""
    try:
        create(backend, name, source)
    except PreconditionFailed:
        return False
    return True


def ensure(backend: Backend, name: str, wanted: bytes) -> None:
    """Create a small object, or find that it exists with this very content.

    Raises:
        Corrupt: it exists with another content.
    """
    try:
        create(backend, name, io.BytesIO(wanted))
    except PreconditionFailed:
        if read(backend, name) != wanted:
            raise Corrupt(
                f"{name} exists with another content, although it is written only once: "
                "find out who changed it, and move it away"
            ) from None

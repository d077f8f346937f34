"""Where images come from: a folder of this machine, or a bucket.

What is wrong with one image is told apart from what is wrong with the place: the first is that
image's result, and the second ends the run, which can be gone on with.
"""

import errno
import functools
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from api.batch.errors import BadSource, SourceAway
from images.errors import UnreadableImage
from images.folder import MAX_BYTES, content, is_litter, walk
from registry.backend import Backend, Blob
from registry.errors import BadRegistryURL, NotFound
from registry.open import open_backend

SCHEME = "gs://"

# What a name, its rights or its kind may be at fault for; the rest is the machine's.
OF_THE_FILE = {
    errno.EACCES,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
}


@dataclass(frozen=True)
class Item:
    """A file to be scored.

    Attributes:
        name: its path below the source; bytes that are no UTF-8 are escaped as by `os.fsdecode`.
        generation: which content of an object in a bucket; 0 in a folder.
        size: bytes, where listing tells; else 0.
    """

    name: str
    generation: int = 0
    size: int = 0


class Place(Protocol):
    """Where images lie; as text, the name of the place. It can be sent to other processes."""

    def list(self) -> Iterator[Item]:
        """Every file below the source, in order.

        Raises:
            BadSource: there is no such place.
            RegistryError: a bucket cannot be listed.
        """

    def read(self, item: Item) -> bytes:
        """The content of a file.

        Raises:
            UnreadableImage: it is gone, closed to us, or larger than any image.
            SourceAway: the folder cannot be read.
            RegistryError: the bucket cannot be read.
        """


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, with all that is below it; links are followed."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def list(self) -> Iterator[Item]:
        """Every file that is no litter of desktops."""
        if not self.path.is_dir():
            raise BadSource(f"{self.path} is no folder: name one, or gs://bucket/prefix")
        for file in walk(self.path):
            yield Item(os.fspath(file.relative_to(self.path)))

    def read(self, item: Item) -> bytes:
        """The content of a file, as it is now."""
        try:
            return content(self.path / item.name)
        except OSError as error:
            if error.errno in OF_THE_FILE and self.path.is_dir():
                raise UnreadableImage(f"it cannot be read: {error.strerror}") from None
            raise SourceAway(f"{self.path} cannot be read: {error.strerror}") from error


@dataclass(frozen=True)
class Bucket:
    """The objects of a bucket below a prefix, each as it was when it was listed."""

    bucket: str
    prefix: str
    timeout: float

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"

    def list(self) -> Iterator[Item]:
        """Every object that is no litter, and no stand-in for a folder."""
        try:
            for blob in self._backend.list(""):
                parts = blob.name.split("/")
                if parts[-1] and not any(map(is_litter, parts)):
                    yield Item(blob.name, blob.generation, blob.size)
        except NotFound:
            raise BadSource(f"there is no bucket {SCHEME}{self.bucket}") from None

    def read(self, item: Item) -> bytes:
        """The content that the object had when it was listed."""
        if item.size > MAX_BYTES:
            raise UnreadableImage(f"this file is larger than {MAX_BYTES:,} bytes")
        target = io.BytesIO()
        try:
            self._backend.read(Blob(item.name, item.generation, item.size), target)
        except NotFound:
            raise UnreadableImage("it was removed or replaced since the batch began") from None
        return target.getvalue()

    @property
    def _backend(self) -> Backend:
        return _open(str(self), self.timeout)


def open_place(source: str, timeout: float) -> Place:
    """The place that a person names.

    Args:
        source: a folder, or ``gs://bucket/prefix``.
        timeout: seconds that one call to a bucket, retries included, may take.

    Raises:
        BadSource: it is another URL, or no bucket can have that name.
    """
    if "://" not in source:
        return Folder(Path(source).absolute())
    if not source.startswith(SCHEME):
        raise BadSource(f"{source} cannot be read: name a folder, or gs://bucket/prefix")
    bucket, _, prefix = source.removeprefix(SCHEME).partition("/")
    try:
        _open(source, timeout)
    except BadRegistryURL:
        raise BadSource(f"{source} names no bucket: write gs://bucket/prefix") from None
    return Bucket(bucket, prefix.strip("/"), timeout)


@functools.cache
def _open(url: str, timeout: float) -> Backend:
    """A client for this process, which can be sent to no other."""
    return open_backend(url, timeout)

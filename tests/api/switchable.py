"""A registry's back end in memory that can be taken away, emptied and damaged."""

import errno
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from registry.backend import Blob, Diagnosis
from registry.errors import RegistryError
from registry.memory import MemoryBackend
from registry.roles import Role


class Switchable:
    """Passes everything on.

    Attributes:
        error: what every call raises, if anything.
        full: a folder in which there is no room for a model, if any.
        damaged: whether every model that is read has a byte changed.
        reads: the names of the objects that were read.
    """

    def __init__(self) -> None:
        self.error: RegistryError | None = None
        self.full: Path | None = None
        self.damaged = False
        self.reads: list[str] = []
        self.empty()

    def empty(self) -> None:
        """Forget every object."""
        self._backend = MemoryBackend()

    def stat(self, name: str) -> Blob | None:
        """As the seam has it."""
        return self._present().stat(name)

    def list(self, prefix: str) -> Iterator[Blob]:
        """As the seam has it."""
        return self._present().list(prefix)

    def read(self, blob: Blob, target: BinaryIO) -> None:
        """As the seam has it, with the damage."""
        self._present().read(blob, target)
        if self.full and self.full in Path(str(getattr(target, "name", ""))).parents:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.reads.append(blob.name)
        if self.damaged and blob.name.endswith(".hdf5"):
            target.seek(1000)
            target.write(b"damage")

    def create(self, name: str, source: BinaryIO) -> Blob:
        """As the seam has it."""
        return self._present().create(name, source)

    def replace_if(
        self, name: str, source: Blob, metadata: Mapping[str, str], generation: int
    ) -> Blob:
        """As the seam has it."""
        return self._present().replace_if(name, source, metadata, generation)

    def content(self, name: str) -> bytes:
        """What an object holds."""
        _, content = self._backend._objects[name]
        return content

    def overwrite(self, name: str, content: bytes) -> None:
        """Change an object as the seam never would."""
        blob, _ = self._backend._objects[name]
        self._backend._objects[name] = (replace(blob, size=len(content)), content)

    def diagnose(self, role: Role | None = None) -> Diagnosis:
        """As the seam has it."""
        return self._backend.diagnose(role)

    def _present(self) -> MemoryBackend:
        if self.error is not None:
            raise self.error
        return self._backend

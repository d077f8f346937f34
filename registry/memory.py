"""A registry in memory: the seam's smallest real implementation."""

import threading
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from registry.backend import Blob, Diagnosis
from registry.errors import NotFound, PreconditionFailed
from registry.roles import Role


class MemoryBackend:
    """Objects in a dictionary, safe for use by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[Blob, bytes]] = {}
        self._generation = 0

    def stat(self, name: str) -> Blob | None:
        """See :meth:`registry.backend.Backend.stat`."""
        with self._lock:
            found = self._objects.get(name)
        return found[0] if found else None

    def list(self, prefix: str) -> Iterator[Blob]:
        """See :meth:`registry.backend.Backend.list`."""
        with self._lock:
            found = sorted(name for name in self._objects if name.startswith(prefix))
            return iter([self._objects[name][0] for name in found])

    def read(self, blob: Blob, target: BinaryIO) -> None:
        """See :meth:`registry.backend.Backend.read`."""
        with self._lock:
            content = self._content(blob)
        target.write(content)

    def create(self, name: str, source: BinaryIO) -> Blob:
        """See :meth:`registry.backend.Backend.create`."""
        content = source.read()
        with self._lock:
            return self._put(name, content, {}, 0)

    def replace_if(
        self, name: str, source: Blob, metadata: Mapping[str, str], generation: int
    ) -> Blob:
        """See :meth:`registry.backend.Backend.replace_if`."""
        with self._lock:
            return self._put(name, self._content(source), metadata, generation)

    def diagnose(self, role: Role | None = None) -> Diagnosis:
        """See :meth:`registry.backend.Backend.diagnose`."""
        return Diagnosis("this process", "memory", {"read": True, "write": True})

    def _content(self, blob: Blob) -> bytes:
        now, content = self._objects.get(blob.name, (None, b""))
        if now is None or now.generation != blob.generation:
            raise NotFound(f"{blob.name} has no generation {blob.generation} any more")
        return content

    def _put(self, name: str, content: bytes, metadata: Mapping[str, str], generation: int) -> Blob:
        now, _ = self._objects.get(name, (None, b""))
        if (now.generation if now else 0) != generation:
            raise PreconditionFailed(f"{name} is not at generation {generation}")
        self._generation += 1
        blob = Blob(name, self._generation, len(content), dict(metadata))
        self._objects[name] = (blob, content)
        return blob

"""A back end around another one that says when it is called, so that a test can interfere."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Literal

from registry.backend import Backend, Blob, Diagnosis
from registry.errors import Unreachable
from registry.roles import Role

When = Literal["before", "after"]
Hook = Callable[[When, str], None]


class Watched:
    """Calls ``hook`` with "before" or "after" and the operation's name around each operation."""

    def __init__(self, backend: Backend, hook: Hook) -> None:
        self._backend = backend
        self._hook = hook

    def stat(self, name: str) -> Blob | None:
        self._hook("before", "stat")
        blob = self._backend.stat(name)
        self._hook("after", "stat")
        return blob

    def list(self, prefix: str) -> Iterator[Blob]:
        self._hook("before", "list")
        blobs = list(self._backend.list(prefix))
        self._hook("after", "list")
        return iter(blobs)

    def read(self, blob: Blob, target: BinaryIO) -> None:
        self._hook("before", "read")
        self._backend.read(blob, target)
        self._hook("after", "read")

    def create(self, name: str, source: BinaryIO) -> Blob:
        self._hook("before", "create")
        blob = self._backend.create(name, source)
        self._hook("after", "create")
        return blob

    def replace_if(
        self, name: str, source: Blob, metadata: Mapping[str, str], generation: int
    ) -> Blob:
        self._hook("before", "replace_if")
        blob = self._backend.replace_if(name, source, metadata, generation)
        self._hook("after", "replace_if")
        return blob

    def diagnose(self, role: Role | None = None) -> Diagnosis:
        return self._backend.diagnose(role)


class LosesOne:
    """A hook that raises Unreachable once: at the ``at``-th moment of the given kind."""

    def __init__(self, when: When, operations: set[str], at: int) -> None:
        self._when = when
        self._operations = operations
        self._left = at

    def __call__(self, when: When, operation: str) -> None:
        if when == self._when and operation in self._operations:
            self._left -= 1
            if self._left == 0:
                raise Unreachable(f"the answer to {operation} was lost")

    @property
    def struck(self) -> bool:
        return self._left <= 0

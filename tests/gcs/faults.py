"""Faults that a test orders, each for one request to come.

They are ordered with ``POST /faults`` and the fields of a :class:`Fault` as JSON, and struck off
with ``DELETE /faults``.
"""

import threading
from dataclasses import dataclass
from typing import Literal

WRITES = {
    "objects.insert",
    "objects.rewrite",
    "objects.compose",
    "objects.patch",
    "objects.delete",
}


@dataclass
class Fault:
    """What is to go wrong.

    Attributes:
        operation: as ``objects.rewrite``; ``write`` stands for everything that changes an object.
        kind: a status, as ``503``, in place of the answer, or ``reset`` of the connection; of a
            good answer, a ``cut`` in the middle of its body, or ``damage``, one bit flipped;
            ``short``, of a part of a resumable upload no more than the first 256 KiB are kept.
        when: ``after`` the operation was done or ``before``, so that it is not.
        skip: how many such requests are served well first.
        times: how many are hit then.
    """

    operation: str = "write"
    kind: str = "503"
    when: Literal["before", "after"] = "before"
    skip: int = 0
    times: int = 1

    @property
    def lets_through(self) -> bool:
        """Whether the operation is done nevertheless."""
        return self.when == "after" or self.kind in ("cut", "damage", "short")

    def concerns(self, operation: str) -> bool:
        """Whether it is meant for such a request."""
        return self.operation == operation or (self.operation == "write" and operation in WRITES)


class Faults:
    """The faults that are still to strike, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> None:
        """Add one."""
        with self._lock:
            self._pending.append(fault)

    def clear(self) -> int:
        """Strike off all, and say how many there were."""
        with self._lock:
            count = len(self._pending)
            self._pending.clear()
        return count

    def strike(self, operation: str) -> Fault | None:
        """The fault that hits this request, if any does."""
        with self._lock:
            for fault in self._pending:
                if not fault.concerns(operation):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self._pending.remove(fault)
                return fault
        return None

"""Faults that a test orders, each for one request to come.

They are ordered with ``POST /faults`` and the fields of a :class:`Fault` as JSON, and struck off
with ``DELETE /faults``, or ``DELETE /faults?who=alice`` for those that are meant for one client.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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
            ``short``, of a part of a resumable upload no more than the first 256 KiB are kept;
            ``delay``, no answer for as long as the client waits for one.
        when: ``after`` the operation was done or ``before``, so that it is not; a delayed one is
            done then all the same, when the client has given it up.
        skip: how many such requests are served well first.
        times: how many are hit then.
        who: whose requests are hit; everybody's if empty.
        seconds: how much longer a delay is than the client's patience.
    """

    operation: str = "write"
    kind: str = "503"
    when: Literal["before", "after"] = "before"
    skip: int = 0
    times: int = 1
    who: str = ""
    seconds: float = 0

    @property
    def lets_through(self) -> bool:
        """Whether the operation is done nevertheless."""
        return self.when == "after" or self.kind in ("cut", "damage", "short")

    def concerns(self, operation: str, who: str) -> bool:
        """Whether it is meant for such a request."""
        if self.who not in ("", who):
            return False
        return self.operation == operation or (self.operation == "write" and operation in WRITES)


class Faults:
    """The faults that are still to strike, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []
        self._lock = threading.Lock()
        self._delayed: Counter[str] = Counter()
        self._fewer_delayed = threading.Condition(self._lock)

    def order(self, fault: Fault) -> None:
        """Add one."""
        with self._lock:
            self._pending.append(fault)

    def clear(self, who: str = "") -> int:
        """Strike off those for one client, or all; say how many there were.

        It waits until no request of that client, or of any, is delayed any more.
        """
        with self._lock:
            struck = [fault for fault in self._pending if who in ("", fault.who)]
            self._pending = [fault for fault in self._pending if who not in ("", fault.who)]
            self._fewer_delayed.wait_for(
                lambda: not (self._delayed[who] if who else self._delayed.total())
            )
        return len(struck)

    @contextmanager
    def delayed(self, who: str) -> Iterator[None]:
        """Count a request of a client as delayed."""
        with self._lock:
            self._delayed[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._delayed[who] -= 1
                self._fewer_delayed.notify_all()

    def strike(self, operation: str, who: str) -> Fault | None:
        """The fault that hits this request, if any does."""
        with self._lock:
            for fault in self._pending:
                if not fault.concerns(operation, who):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self._pending.remove(fault)
                return fault
        return None

"""Ending in order when told to: what stops a job or a container sends SIGTERM."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came; like an interrupt from the keyboard, it ends whatever is being done."""


@contextmanager
def terminable() -> Iterator[None]:
    """A block in which SIGTERM raises :class:`Terminated`; for the main thread."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated

"""A server as a process, with all the processes that it starts, however it starts them.

A server's children may leave its process group and outlive their parents, as those of Ray do. So
whoever starts servers here adopts orphans (``PR_SET_CHILD_SUBREAPER``, prctl(2)), and all that
descends from a server stays below this process, where it is found and ended.
"""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from benchmarks.errors import PortTaken, ServerFailed

SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
STOP_WITHIN = 10.0  # seconds after SIGTERM
KILLED_WITHIN = 10.0  # seconds after SIGKILL
POLL = 0.05  # seconds

PROC = Path("/proc")


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """A block in which processes whose parent has ended become children of this one."""
    _adopt_orphans(True)
    try:
        yield
    finally:
        _adopt_orphans(False)


class Tree:
    """A running server and its descendants, ended when the block is left.

    Only one may run at a time, and nothing else may start processes that leave orphans meanwhile.

    Attributes:
        strays: how many processes had to be killed at its end.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        """Start ``command`` in ``folder``; what it says goes to the file ``log``."""
        self._others = set(_children().get(os.getpid(), []))
        self.strays = 0
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def exit_code(self) -> int | None:
        """The server's exit code; None while it runs."""
        return self._process.poll()

    def members(self) -> set[int]:
        """The ids of all its processes that run."""
        children = _children()
        found: set[int] = set()
        below = set(children.get(os.getpid(), [])) - self._others
        while below:
            found |= below
            below = {child for parent in below for child in children.get(parent, [])} - found
        return found

    def memory(self) -> int:
        """The bytes that it keeps resident; of pages shared by several processes, its share."""
        return sum(_proportional(pid) for pid in self.members())

    def stop(self) -> None:
        """End the server, and then whatever it has left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        left = self._left_after(STOP_WITHIN)
        self.strays += len(left)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if left and (left := self._left_after(KILLED_WITHIN)):
            raise ServerFailed(f"processes {sorted(left)} do not end, even when killed")

    def _left_after(self, seconds: float) -> set[int]:
        """The processes that are left when all have ended, or when the time is over."""
        deadline = time.monotonic() + seconds
        while (left := self._reaped()) and time.monotonic() < deadline:
            time.sleep(POLL)
        return left

    def _reaped(self) -> set[int]:
        """The processes that are left, once those that have ended are cleared away."""
        self._process.poll()
        # A process whose first thread has ended looks ended, and its others may hold its port:
        # it is gone when it can be waited for.
        for pid in set(_children().get(os.getpid(), [])) - self._others - {self._process.pid}:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return self.members()


def require_free(port: int) -> None:
    """Check that nothing listens on the port.

    Raises:
        PortTaken: something does.
    """
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(
            f"something listens on port {port}: stop it, or choose another with BENCH_PORT"
        ) from None


def _adopt_orphans(wanted: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def _children() -> dict[int, list[int]]:
    """The children of each process, by parent."""
    found: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            # It may end while we look. The name of the program, in brackets, may contain anything.
            with contextlib.suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                found.setdefault(int(parent), []).append(int(entry.name))
    return found


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0

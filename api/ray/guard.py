"""Ending what Ray has started, whatever ends the process that started Ray.

Ray's processes start further ones, some of which outlive a killed parent by minutes. All of them
inherit an environment that names the folder of their cluster: by that they are found here, or by
their logs in it, as the titles that Ray gives to processes overwrite most of an environment. This
program, which needs nothing but Python, waits until the process that started it has closed its
standard input, as the kernel does for one that is killed.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

POLL = 0.01  # seconds
LOOKS = 3  # that find nobody: a process that is just becoming another program has no environment


def guard(folder: str) -> None:
    """Wait for the end of the process before; then end all of the cluster, and its folder."""
    sys.stdin.buffer.read()
    none = 0
    while none < LOOKS:
        none += 1
        for pid in members(folder):
            none = 0
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL)
    shutil.rmtree(folder, ignore_errors=True)


def members(folder: str) -> Iterator[int]:
    """The processes of the cluster in a folder; those that have ended are none."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it may end while we look, or be another user's
            if entry.name.isdigit() and (_names(entry, folder) or _logs_to(entry, folder)):
                yield int(entry.name)


def _names(process: Path, folder: str) -> bool:
    return folder.encode() in (process / "environ").read_bytes()


def _logs_to(process: Path, folder: str) -> bool:
    """Whether one that Ray has given a title has a file open there."""
    if not (process / "cmdline").read_bytes().startswith(b"ray::"):
        return False
    return any(folder in str(file.readlink()) for file in (process / "fd").iterdir())


if __name__ == "__main__":
    guard(sys.argv[1])

"""Ending what Ray has started, whatever ends the process that started Ray.

Ray's processes start further ones, some of which outlive a killed parent by minutes. All of them
inherit an environment that names the folder of their cluster: by that they are found here. This
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
    """The processes whose environment names the folder; those that have ended have none."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it may end while we look, or be another user's
            if entry.name.isdigit() and folder.encode() in (entry / "environ").read_bytes():
                yield int(entry.name)


if __name__ == "__main__":
    guard(sys.argv[1])

"""A module of ours run in a process of its own, within limits: what it breaks is not the gate."""

import math
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from testing.errors import NotMade

ROOT = Path(__file__).parent.parent
SECONDS = 300
MEMORY = 8 << 30  # bytes; ResNet-50, of 94e6, takes 6.3e9 to export
CGROUP = Path("/sys/fs/cgroup")
LONGEST = 300  # characters that we repeat

# Nothing of ours, as it needs no secret; no GPU, as the limit on memory would not hold there; and
# nobody elsewhere is told of the model.
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "ORT_DISABLE_TELEMETRY": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
KEPT = ("PATH", "TMPDIR")


def run(module: str, *arguments: Path, seconds: float = SECONDS) -> None:
    """Run ``python -m module`` to its end.

    Raises:
        NotMade: it failed; the message is the last that it said, or what ended it.
    """
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    child = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env=ENVIRONMENT | kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    with child:
        _limit(child.pid, seconds)
        try:
            _, said = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            raise NotMade(f"{module} took more than {seconds:g} seconds") from None
        except BaseException:
            child.kill()
            raise
    if child.returncode < 0:
        raise NotMade(f"{module} ended with {signal.Signals(-child.returncode).name}")
    if child.returncode:
        last = said.strip().rpartition("\n")[2][:LONGEST]
        raise NotMade(last or f"{module} ended with exit code {child.returncode}")


def _limit(process: int, seconds: float) -> None:
    """Bound what a process may take, should nobody be left to end it, too."""
    memory, time = available(), math.ceil(seconds) * (os.cpu_count() or 1)
    for kind, limit in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, time)):
        _, most = resource.getrlimit(kind)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.prlimit(process, kind, (limit, limit))


def available() -> int:
    """Bytes that a child may take: no more than are left to this container, as it would end it."""
    try:
        most = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
    except (OSError, ValueError):  # there is no limit
        return MEMORY
    return max(0, min(MEMORY, most - used))

"""What a run was made on and with."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

OURS = ("tensorflow-cpu", "keras", "onnxruntime", "numpy", "flask", "waitress")
PEERS = ("bentoml", "litserve", "mlserver", "ray", "tensorflow-cpu", "keras", "numpy")

# Run by a peer's own Python, which may lack most of the names.
_ASK = """
import importlib.metadata as found, sys
for name in sys.argv[1:]:
    try:
        print(name, found.version(name))
    except found.PackageNotFoundError:
        pass
"""


def describe() -> dict[str, Any]:
    """Cores, processor, memory, kernel."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _first("/proc/cpuinfo", "model name"),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def own_versions() -> dict[str, str]:
    """The versions of what this service runs on."""
    return {name: version(name) for name in OURS}


def peer_versions(programs: Path) -> dict[str, str]:
    """The versions of what is installed beside a peer's ``python``."""
    command = [str(programs / "python"), "-c", _ASK, *PEERS]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split() for line in said.splitlines())


def _first(path: str, key: str) -> str:
    """The value of the first line of a file of ``key: value`` that has the key."""
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"

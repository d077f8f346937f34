"""Maltreat the service while it is asked, for some minutes: ``make soak``.

python -m tests.soak [--quick] [PHASE ...]

Models are exchanged with corrupt candidates in between; the service is killed; the registry, the
mail server and the room on its disk are taken away; hundreds of connections drip; requests hide
others. Callers ask meanwhile. It prints what it sees, and exits with 1 if an answer was missing or
wrong, the service did not recover by itself, its memory grew or its answers became slow.
"""

import argparse
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.gcs.gcs_process import GCSServer
from tests.soak import phases
from tests.soak.report import Report

STEADY = 400  # requests before the swaps, and in the pauses between them
SWAPPING = 450  # seconds
PACE = 0.35  # seconds from swap to swap; a service looks for one each ten seconds by default
LONGEST_P99 = 2.0  # times that without swaps
MOST_MEMORY = 1.05  # times that after the first ten swaps

Phase = Callable[[Path, Report], None]


def main() -> int:
    """Run every phase, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("phases", nargs="*", metavar="PHASE", help="only these; by default all")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what is warned of is what is done here
    report, server = Report(), GCSServer()
    os.environ.update(server.variables)
    every = kinds(server, 10 if options.quick else 1)
    chosen = {name: every[name] for name in options.phases or every}
    try:
        for name, phase in chosen.items():
            soak(name, phase, report)
    finally:
        server.stop()
    report.figure("in all", f"{len(report.violations)} violations")
    return 1 if report.violations else 0


def kinds(server: GCSServer, less: int) -> Mapping[str, Phase]:
    """Every phase by its name."""
    return {
        "swaps": partial(swap, count=1000 // less, corrupt=100 // less, seconds=SWAPPING // less),
        "kills": partial(phases.kills, count=20 // less),
        "outages": partial(phases.outages, server=server, count=10 // less),
        "full-disk": partial(phases.full_disk, count=10 // less),
        "slow-connections": partial(phases.slow_connections, count=500, requests=5000 // less),
        "smuggling": phases.smuggled,
    }


def swap(folder: Path, report: Report, count: int, corrupt: int, seconds: float) -> None:
    """Exchange models, and hold the latencies and the memory to their limits."""
    slower, larger = phases.swaps(folder, report, count, corrupt, STEADY, seconds, PACE)
    sentences = {
        f"p99 is {slower:.2f} times that without swaps": slower > LONGEST_P99,
        f"memory is {larger:.3f} times that after ten swaps": larger > MOST_MEMORY,
    }
    report.require("swaps", [sentence for sentence, broken in sentences.items() if broken])


def soak(name: str, phase: Phase, report: Report) -> None:
    """Run one phase in a folder of its own; what nobody has foreseen is a violation too."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            phase(Path(folder), report)
    except Exception as error:
        report.require(name, [f"{type(error).__name__}: {error}"[:2000]])
        traceback.print_exc()


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks.start``: how soon the service is ready, if its files are in memory or not.

It runs as in the slim image, with the gate's variants alone and the model in its cache. Starts of
both kinds take turns, so that what else the machine does meets both.
"""

import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.errors import Unprepared
from benchmarks.growth.measure import processor_seconds, started
from benchmarks.models import prepare
from benchmarks.processes import PROC, adopting_orphans
from benchmarks.servers import BASE, CATALOGUE, Place, Server, programs
from benchmarks.session import say
from benchmarks.settings import StartSettings
from process.command import run
from process.settings import parse

DROP = PROC / "sys/vm/drop_caches"
WARM, COLD = "files in memory", "files on disk"


@dataclass(frozen=True)
class Start:
    """One start, from the process to the first 200 of ``/ready``.

    Attributes:
        seconds: how long it took.
        cpu: the seconds of processor time in that.
        read: the bytes that came from the disk.
    """

    seconds: float
    cpu: float
    read: int


def main(argv: Sequence[str]) -> int:
    """Measure, say what was found, and return 0."""
    settings = parse("benchmarks.start", __doc__ or "", StartSettings, [], argv)
    for name in settings.models:
        model = prepare(name, settings.work)
        place = Place(model, settings.port, programs(BASE, settings.work), settings.work)
        server = CATALOGUE[BASE].make(place)
        slim = replace(server, environment={**server.environment, "MODEL_RUNTIME": "onnx"})
        with adopting_orphans():
            found = measure(slim, settings.port, settings.rounds, settings.cold)
        for kind, starts in found.items():
            say(f"{name}, {kind}: {summary(starts)}")
    return 0


def measure(server: Server, port: int, rounds: int, cold: bool) -> Mapping[str, Sequence[Start]]:
    """Start the server again and again, after once for its cache."""
    found: dict[str, list[Start]] = {WARM: [], COLD: []} if cold else {WARM: []}
    once(server, port)
    for _ in range(rounds):
        for kind, starts in found.items():
            if kind == COLD:
                drop_caches()
            starts.append(once(server, port))
    return found


def once(server: Server, port: int) -> Start:
    """Start the server, and end it once it is ready.

    Raises:
        PortTaken, ServerFailed: it cannot be measured.
    """
    began = time.monotonic()
    with started(server, [port]) as (tree, _):
        seconds = time.monotonic() - began
        return Start(seconds, processor_seconds(tree), sum(map(_read, tree.members())))


def drop_caches() -> None:
    """Let the kernel forget every file that it keeps in memory, on the whole machine (proc(5)).

    Raises:
        Unprepared: this user may not.
    """
    os.sync()
    try:
        DROP.write_text("3")
    except OSError as error:
        raise Unprepared(f"{DROP}: {error.strerror}: be root, or set START_COLD=false") from None


def summary(starts: Sequence[Start]) -> str:
    """The figures of some starts in a line."""
    seconds = [start.seconds for start in starts]
    cpu = statistics.median(start.cpu for start in starts)
    read = statistics.median(start.read for start in starts)
    return (
        f"ready after {statistics.median(seconds):.2f} s ({min(seconds):.2f} to "
        f"{max(seconds):.2f}), {cpu:.2f} s of processor time, {read / 2**20:.0f} MiB read"
    )


def _read(process: int) -> int:
    """The bytes that the process had the disk read."""
    lines = (PROC / str(process) / "io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["read_bytes"])


if __name__ == "__main__":
    sys.exit(run("benchmarks.start", main))

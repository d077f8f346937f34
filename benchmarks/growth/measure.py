"""Measuring a service in one layout, or how much memory it takes."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.errors import ServerFailed
from benchmarks.growth.layouts import Layout, arranged
from benchmarks.load import Load, Target, apply
from benchmarks.models import Model
from benchmarks.processes import Tree, require_free
from benchmarks.servers import Server
from benchmarks.wire import RAW

READY_WITHIN = 120.0  # seconds
POLL = 0.01  # seconds
BATCH = 64  # images, the most in one request


@dataclass(frozen=True)
class Speed:
    """What a layout answers.

    Attributes:
        answered: good answers of all processes.
        seconds: how long it was loaded.
        cpu: the seconds of processor time that they took for it.
        p99: what 99 % of the latencies of the slowest process do not exceed, in seconds.
        errors: whatever was no good answer.
    """

    answered: int
    seconds: float
    cpu: float
    p99: float
    errors: int

    @property
    def throughput(self) -> float:
        """Good answers per second."""
        return self.answered / self.seconds

    @property
    def per_cpu(self) -> float:
        """Answers per second of processor time, which hardly depends on what else runs."""
        return self.answered / self.cpu


@dataclass(frozen=True)
class Memory:
    """What one process keeps resident, in bytes.

    Attributes:
        ready: once it is ready.
        peaks: the most under each of the demands, in their order.
    """

    ready: int
    peaks: tuple[int, ...]


@dataclass(frozen=True)
class Demand:
    """Requests that wait at the same time, each of so many images."""

    connections: int
    images: int

    def __str__(self) -> str:
        return f"{self.connections} x {self.images}"


DEMANDS = (Demand(1, 1), Demand(64, 1), Demand(256, 1), Demand(4, BATCH))


def speed(
    server: Server, model: Model, layout: Layout, port: int, connections: int, seconds: int
) -> Speed:
    """Load every process of the layout at once, the connections shared out.

    Raises:
        PortTaken, ServerFailed: it cannot be measured.
    """
    cores = sorted(os.sched_getaffinity(0))
    ports = range(port, port + layout.processes)
    with started(arranged(server, layout, cores, port), ports) as (tree, folder):
        bodies = _bodies(model, Demand(connections, 1), folder)
        each = max(1, connections // layout.processes)

        def load(at: int) -> Load:
            target = Target(f"http://127.0.0.1:{at}/", RAW.content_type, bodies)
            return apply(target, each, seconds)

        before = processor_seconds(tree)
        with _confined(layout.spare(cores)), ThreadPoolExecutor(layout.processes) as pool:
            loads = list(pool.map(load, ports))
        cpu = processor_seconds(tree) - before
    return Speed(
        answered=sum(found.answered for found in loads),
        seconds=max(found.seconds for found in loads),
        cpu=cpu,
        p99=max(found.p99 for found in loads),
        errors=sum(found.errors for found in loads),
    )


def memory(server: Server, model: Model, port: int, seconds: int) -> Memory:
    """Watch one process under every demand; it is not started anew between them.

    Raises:
        PortTaken, ServerFailed: it cannot be measured.
    """
    with started(server, [port]) as (tree, folder):
        ready = tree.memory()
        peaks = []
        for demand in DEMANDS:
            path = "/" if demand.images == 1 else "/predict"
            bodies = _bodies(model, demand, folder)
            target = Target(f"http://127.0.0.1:{port}{path}", RAW.content_type, bodies)
            with _watching(tree) as seen:
                apply(target, demand.connections, seconds)
            peaks.append(max(seen))
    return Memory(ready, tuple(peaks))


@contextmanager
def started(server: Server, ports: Sequence[int]) -> Iterator[tuple[Tree, Path]]:
    """A server that is ready on every port, and a folder.

    Raises:
        PortTaken: something listens there already.
        ServerFailed: it ended, or took too long.
    """
    for port in ports:
        require_free(port)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        log = folder / "log"
        with Tree(server.command, server.variables(folder), server.folder, log) as tree:
            deadline = time.monotonic() + READY_WITHIN
            while not all(map(_ready, ports)):
                if tree.exit_code is not None or time.monotonic() > deadline:
                    raise ServerFailed(f"it is not ready: ...{log.read_text()[-300:]}")
                time.sleep(POLL)
            yield tree, folder


def _ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/ready", timeout=READY_WITHIN).ok
    except requests.RequestException:
        return False


def processor_seconds(tree: Tree) -> float:
    """Seconds of processor time that the processes of a server have taken (proc_pid_stat(5))."""
    ticks = 0
    for pid in tree.members():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _bodies(model: Model, demand: Demand, folder: Path) -> Sequence[Path]:
    if demand.images == 1:
        return model.images
    path = folder / f"images-{demand.images}"
    images = [model.images[at % len(model.images)].read_bytes() for at in range(demand.images)]
    path.write_bytes(b"".join(images))
    return [path]


@contextmanager
def _confined(cores: Sequence[int]) -> Iterator[None]:
    """A block in which what this thread starts keeps to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _watching(tree: Tree) -> Iterator[list[int]]:
    """The memory of a server, looked at again and again until the block is left."""
    seen = [tree.memory()]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(POLL):
            seen.append(tree.memory())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()

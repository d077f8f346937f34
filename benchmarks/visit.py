"""One visit to a server: start it, ask it, load it, ask it again, end it and all it started."""

import math
import os
import re
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.errors import ServerFailed
from benchmarks.load import Load, Target, apply, duration, pace
from benchmarks.models import Model
from benchmarks.processes import Tree, require_free
from benchmarks.results import PACED, Visit
from benchmarks.servers import Server

READY_WITHIN = 120.0  # seconds
ANSWERED_WITHIN = 60.0  # seconds
POLL = 0.02  # seconds between two tries whether a server answers
AT_ONCE = 16  # questions, so that a server that batches does so
LOG_SHOWN = 300  # characters of a log's end

UNREADABLE = (ValueError, KeyError, IndexError, TypeError)


@dataclass(frozen=True)
class Extent:
    """How much load there is in one visit.

    Attributes:
        port: where the server listens.
        connections: one load for each of these numbers.
        seconds: how long each lasts, unless answers are slow.
    """

    port: int
    connections: Sequence[int]
    seconds: int


@dataclass(frozen=True)
class Asker:
    """Questions to a server, and what is right.

    Attributes:
        server: who is asked.
        url: where.
        bodies: requests.
        answers: the right answer to each.
    """

    server: Server
    url: str
    bodies: Sequence[bytes]
    answers: Sequence[str]

    def right(self, number: int) -> bool:
        """Whether one question is answered, and as the model does."""
        headers = {"Content-Type": self.server.wire.content_type}
        try:
            answer = requests.post(
                self.url, self.bodies[number], headers=headers, timeout=ANSWERED_WITHIN
            )
        except requests.RequestException:
            return False
        if not answer.ok or not self.server.from_model:
            return answer.ok
        try:
            return self.server.wire.decode(answer.content) == self.answers[number]
        except UNREADABLE:
            return False

    def count_wrong(self) -> int:
        """Ask everything, several at a time, and count what is not answered rightly."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(not right for right in pool.map(self.right, range(len(self.bodies))))


def pay(number: int, name: str, server: Server, model: Model, extent: Extent) -> Visit:
    """Measure a server once.

    Raises:
        PortTaken: something listens on the port before or afterwards.
    """
    require_free(extent.port)
    facts: dict[str, Any] = {
        "round": number,
        "model": model.name,
        "server": name,
        "busy": os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        started = time.monotonic()
        tree = Tree(server.command, server.variables(Path(folder)), server.folder, log)
        try:
            with tree:
                asker = _asker(server, model, extent.port)
                _wait_until_ready(tree, asker)
                ready = time.monotonic() - started
                runs = _runs(server, extent.port)
                found = _measure(tree, asker, extent, Path(folder))
        except ServerFailed as error:
            return Visit(**facts, strays=tree.strays, problem=f"{error}{_end_of(log)}")
    require_free(extent.port)
    return Visit(**facts, ready=ready, runs=runs, strays=tree.strays, **found)


def _asker(server: Server, model: Model, port: int) -> Asker:
    bodies = [server.wire.encode(image.read_bytes()) for image in model.images]
    return Asker(server, f"http://127.0.0.1:{port}{server.path}", bodies, model.answers)


def _runs(server: Server, port: int) -> str:
    """The runtime and precision of which the server's metrics tell, if it has any."""
    if not server.metrics:
        return ""
    page = requests.get(f"http://127.0.0.1:{port}{server.metrics}", timeout=ANSWERED_WITHIN).text
    told = re.search(r"^classifier_model_info{(.*)}", page, re.M)
    labels = dict(re.findall(r'(\w+)="(.*?)"', told[1])) if told else {}
    return " ".join(labels.get(name, "?") for name in ("runtime", "precision"))


def _measure(tree: Tree, asker: Asker, extent: Extent, folder: Path) -> dict[str, Any]:
    """What a server does that is ready: fields of a visit."""
    wrong = asker.count_wrong()
    target = Target(asker.url, asker.server.wire.content_type, _written(asker.bodies, folder))
    loads = _loads(tree, target, extent)
    memory = tree.memory()
    half = _half(target, loads, extent)
    wrong += asker.count_wrong()
    asked = 2 * len(asker.bodies)
    return {"memory": memory, "asked": asked, "wrong": wrong, "loads": loads, "half": half}


def _half(target: Target, loads: Sequence[Load], extent: Extent) -> Load | None:
    """The load at half of the throughput over :data:`PACED` connections, if that was measured."""
    for load in loads:
        if load.connections == PACED and load.answered:
            return pace(target, PACED, extent.seconds, load.throughput / 2)
    return None


def _wait_until_ready(tree: Tree, asker: Asker) -> None:
    """Ask the first question until the answer is right."""
    deadline = time.monotonic() + READY_WITHIN
    while not asker.right(0):
        if tree.exit_code is not None:
            raise ServerFailed(f"it ended with exit code {tree.exit_code}")
        if time.monotonic() > deadline:
            raise ServerFailed(f"it gave no right answer within {READY_WITHIN:.0f} s")
        time.sleep(POLL)


def _loads(tree: Tree, target: Target, extent: Extent) -> tuple[Load, ...]:
    """The loads, each as long as the throughput of the one before says that it has to be."""
    loads: list[Load] = []
    for connections in extent.connections:
        expected = loads[-1].throughput if loads else math.inf
        seconds = duration(extent.seconds, connections, expected)
        loads.append(apply(target, connections, seconds))
        if tree.exit_code is not None:
            raise ServerFailed(f"it ended with {tree.exit_code} at {connections} connections")
    return tuple(loads)


def _written(bodies: Sequence[bytes], folder: Path) -> Sequence[Path]:
    paths = [folder / f"body-{number}" for number in range(len(bodies))]
    for path, body in zip(paths, bodies, strict=True):
        path.write_bytes(body)
    return paths


def _end_of(log: Path) -> str:
    said = " ".join(log.read_text(errors="replace").split()) if log.exists() else ""
    return f"; the end of its log: ...{said[-LOG_SHOWN:]}" if said else ""

"""Load from wrk, a generator in C, and from hey, which keeps a pace; what they say of answers."""

import csv
import json
import math
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import ServerFailed, Unprepared

SCRIPT = Path(__file__).with_name("wrk.lua")
TIMEOUT = 60  # seconds after which wrk counts an answer as one that never came
STARTING = 30  # seconds that wrk may take on top of a load, to open connections on busy cores
LONGEST = 10  # seconds that a load may take where answers are slow
STEADY = 2  # answers per connection from which on latencies are more than the first wave's
ENOUGH = 5  # answers per connection to aim at: a batch that the end cuts off counts for nothing


@dataclass(frozen=True)
class Target:
    """What is sent, and where.

    Attributes:
        url: where.
        content_type: of the bodies.
        bodies: files, each the body of one request; they are sent in turn.
    """

    url: str
    content_type: str
    bodies: Sequence[Path]


@dataclass(frozen=True)
class Load:
    """What came of one load.

    Attributes:
        connections: how many sent one request after another.
        seconds: how long it lasted.
        answered: answers that were neither an error nor late.
        p50: the median of the latencies, in seconds.
        p99: what 99 % of the latencies do not exceed, in seconds.
        refused: answers with a status of 400 or more.
        timeouts: answers that did not come in time.
        broken: failures to connect, to send and to receive.
    """

    connections: int
    seconds: float
    answered: int
    p50: float
    p99: float
    refused: int = 0
    timeouts: int = 0
    broken: int = 0

    @property
    def throughput(self) -> float:
        """Good answers per second."""
        return self.answered / self.seconds

    @property
    def errors(self) -> int:
        """Whatever was no good answer."""
        return self.refused + self.timeouts + self.broken

    @property
    def steady(self) -> bool:
        """Whether the load lasted long enough for its latencies to mean something.

        A request that has not been answered by the end has no latency: where the end came before
        the second answer of a connection, the slow ones are missing.
        """
        return self.answered >= STEADY * self.connections


def duration(seconds: int, connections: int, throughput: float) -> int:
    """How long a load must be, in seconds, for :data:`ENOUGH`, but not over :data:`LONGEST`.

    Args:
        seconds: how long it is at least.
        connections: how many it is from.
        throughput: the answers per second to expect.
    """
    if not throughput:
        return LONGEST
    return max(seconds, min(LONGEST, math.ceil(ENOUGH * connections / throughput)))


def require_generators() -> str:
    """The first line of what wrk says of itself.

    Raises:
        Unprepared: it or hey is not installed.
    """
    for name in ("wrk", "hey"):
        if shutil.which(name) is None:
            raise Unprepared(f"{name} is not installed: run `make bench`, or install that package")
    shown = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return shown.stdout.partition(" Copyright")[0].strip()


def apply(target: Target, connections: int, seconds: int) -> Load:
    """Send to ``target`` over so many connections for so long.

    Raises:
        ServerFailed: wrk gave up, as where nothing listens.
    """
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    command += [f"--timeout={TIMEOUT}s", f"--script={SCRIPT}", target.url, "--"]
    command += [target.content_type, *map(str, target.bodies)]
    return parse(_said(command, seconds), connections)


def pace(target: Target, connections: int, seconds: int, rate: float) -> Load:
    """Send the first of the bodies at most so many times per second in all.

    Raises:
        ServerFailed: hey gave up.
    """
    command = ["hey", "-m", "POST", "-T", target.content_type, "-D", str(target.bodies[0])]
    command += ["-c", str(connections), "-q", f"{rate / connections:.3f}", "-z", f"{seconds}s"]
    command += ["-t", str(TIMEOUT), "-disable-compression", "-o", "csv", target.url]
    return parse_paced(_said(command, seconds), connections, seconds)


def _said(command: Sequence[str], seconds: int) -> str:
    """What a generator has printed at the end of a load of so many seconds."""
    name = command[0]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds + STARTING
        )
    except subprocess.TimeoutExpired:
        raise ServerFailed(f"{name} did not end within {STARTING} s of its load") from None
    if ended.returncode:
        raise ServerFailed(f"{name} gave up: {(ended.stderr or ended.stdout).strip()}")
    return ended.stdout


def parse_paced(output: str, connections: int, seconds: float) -> Load:
    """The load from the table that hey has printed, a row for each request."""
    rows = list(csv.DictReader(output.splitlines()))
    good = [float(row["response-time"]) for row in rows if int(row["status-code"]) < 400]
    cuts = statistics.quantiles(good, n=100, method="inclusive") if len(good) > 1 else []
    p50, p99 = (cuts[49], cuts[98]) if cuts else (0.0, 0.0)
    refused = len(rows) - len(good)
    return Load(connections, seconds, len(good), p50, p99, refused=refused)


def parse(output: str, connections: int) -> Load:
    """The load from what wrk and its script have printed.

    Raises:
        ServerFailed: there are no figures in it.
    """
    figures = next((line for line in output.splitlines() if line.startswith("{")), None)
    if figures is None:
        raise ServerFailed(f"wrk printed no figures: {output.strip()[-300:]}")
    found = json.loads(figures)
    return Load(
        connections=connections,
        seconds=found["microseconds"] / 1e6,
        answered=found["requests"] - found["status"],
        p50=found["p50"] / 1e6,
        p99=found["p99"] / 1e6,
        refused=found["status"],
        timeouts=found["timeout"],
        broken=found["connect"] + found["read"] + found["write"],
    )

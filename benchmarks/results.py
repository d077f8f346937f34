"""What was measured, as it is kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load import Load

FILE = "results.json"
PACED = 8  # connections


@dataclass(frozen=True)
class Visit:
    """One start of a server, and what it did until its end.

    Attributes:
        round: from 1.
        model: by name.
        server: by name.
        ready: seconds from its start to its first right answer.
        runs: what this service says that runs the model; empty for the others.
        memory: bytes resident after the loads, of all its processes.
        asked: questions before and after the loads whose answers were checked.
        wrong: how many of them were not answered as the model does.
        strays: processes that had to be killed at its end.
        loads: one for each number of connections.
        half: at half of the throughput over :data:`PACED` connections; None if not measured.
        problem: why it was not measured; empty if it was.
        busy: the machine's load average over a minute, just before.
    """

    round: int
    model: str
    server: str
    ready: float = 0.0
    runs: str = ""
    memory: int = 0
    asked: int = 0
    wrong: int = 0
    strays: int = 0
    loads: tuple[Load, ...] = ()
    half: Load | None = None
    problem: str = ""
    busy: float = 0.0


@dataclass(frozen=True)
class Forward:
    """The bare forward pass of a runtime in one round.

    Attributes:
        round: from 1.
        model: by name.
        runtime: by name.
        throughput: images per second, by the size of the batch.
    """

    round: int
    model: str
    runtime: str
    throughput: dict[int, float]

    @property
    def best(self) -> float:
        """Images per second with the best of the batches."""
        return max(self.throughput.values())


@dataclass
class Results:
    """All of a run.

    Attributes:
        machine: what it ran on.
        versions: of the programs, by server.
        settings: what it was asked to do.
        left_out: why a server is missing, by name.
        visits: in the order in which they took place.
        forwards: likewise.
    """

    machine: dict[str, Any]
    versions: dict[str, dict[str, str]]
    settings: dict[str, Any]
    left_out: dict[str, str] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    forwards: list[Forward] = field(default_factory=list)

    def of(self, model: str, server: str) -> Sequence[Visit]:
        """The successful visits to a server of a model."""
        return [
            visit
            for visit in self.visits
            if (visit.model, visit.server) == (model, server) and not visit.problem
        ]

    def servers(self, model: str) -> Sequence[str]:
        """The servers of a model that were measured, in the order of their first visits."""
        return list(dict.fromkeys(it.server for it in self.visits if self.of(model, it.server)))

    def models(self) -> Sequence[str]:
        """The models that were served, in the order of their first visits."""
        return list(dict.fromkeys(visit.model for visit in self.visits))

    def write(self, folder: Path) -> None:
        """Leave everything in a file of the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1, default=str) + "\n")

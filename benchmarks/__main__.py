"""``python -m benchmarks``: measure this service beside its peers, in rounds, on these cores."""

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import forward, machine, models, plot, servers, table
from benchmarks.errors import UnknownName, Unprepared
from benchmarks.load import require_wrk
from benchmarks.models import Model
from benchmarks.processes import adopting_orphans
from benchmarks.results import Forward, Results, Visit
from benchmarks.servers import CATALOGUE, Place
from benchmarks.settings import BenchSettings, quickened
from benchmarks.visit import Extent, pay
from process.command import run
from process.settings import parse
from registry.names import VARIANTS

PAGE = "README.md"


def main(argv: Sequence[str]) -> int:
    """Measure, and return 0 if every server could be measured."""
    settings = quickened(parse("benchmarks", __doc__ or "", BenchSettings, [], argv))
    wrk = require_wrk()
    session = Session(settings, wrk)
    session.prepare()
    try:
        with adopting_orphans():
            session.measure()
    finally:
        session.report()
    return int(any(visit.problem for visit in session.results.visits))


class Session:
    """One run: what is to be measured, and what came of it."""

    def __init__(self, settings: BenchSettings, wrk: str) -> None:
        self._settings = settings
        now = datetime.now(UTC)
        self._folder = settings.results / now.strftime("%Y-%m-%d-%H%M")
        facts = {**settings.model_dump(mode="json"), "date": now.strftime("%Y-%m-%d"), "wrk": wrk}
        self.results = Results(machine.describe(), {"service": machine.own_versions()}, facts)
        self._models: list[Model] = []
        self._programs: dict[str, Path] = {}
        self._took: dict[tuple[str, str], float] = {}
        self._failed: set[tuple[str, str]] = set()  # once is enough: it would take minutes again

    def prepare(self) -> None:
        """Make models and environments that are not there yet; what cannot be made is left out."""
        for name in self._settings.models:
            say(f"model {name}")
            self._models.append(models.prepare(name, self._settings.work))
        for name in self._settings.servers or CATALOGUE:
            self._prepare_server(name)

    def measure(self) -> None:
        """Visit every server of every model in turn, round after round, while there is time."""
        self._end = time.monotonic() + 60 * self._settings.minutes
        for number in range(1, self._settings.rounds + 1):
            started = time.monotonic()
            for model, server in self._pairs():
                if not self._time_for(model.name, server):
                    say(f"the time is over in round {number}")
                    return
                self._visit(number, model, server)
            for model in self._models:
                self._forward(number, model)
            say(f"round {number} took {time.monotonic() - started:.0f} s")

    def report(self) -> None:
        """Write what there is: figures, table, picture."""
        if not self.results.visits:
            return
        self.results.write(self._folder)
        connections = self._settings.connections
        (self._folder / PAGE).write_text(table.render(self.results, connections))
        plot.draw(self.results, connections, self._folder)
        say(f"results are in {self._folder}")

    def _prepare_server(self, name: str) -> None:
        if name not in CATALOGUE:
            known = ", ".join(CATALOGUE)
            raise UnknownName(f"BENCH_SERVERS: there is no server {name}, but {known}")
        say(f"server {name}")
        try:
            self._programs[name] = servers.programs(name, self._settings.work)
        except Unprepared as error:
            self.results.left_out[name] = str(error)
            return
        if CATALOGUE[name].peer:
            self.results.versions[name] = machine.peer_versions(self._programs[name])

    def _pairs(self) -> Iterator[tuple[Model, str]]:
        """What a round visits; the echo, which is the same for every model, with the first one."""
        for model in self._models:
            for name in self._programs:
                if name == servers.ECHO and model is not self._models[0]:
                    continue
                if CATALOGUE[name].serves(model) and (model.name, name) not in self._failed:
                    yield model, name

    def _forward(self, number: int, model: Model) -> None:
        """Measure the bare forward pass of each runtime."""
        files = {"tensorflow": model.file}
        files |= {f"onnx {precision}": model.variant(precision) for precision in VARIANTS}
        for runtime, file in files.items():
            if file.exists() and self._time_for(model.name, runtime):
                started = time.monotonic()
                rates = forward.measure(
                    file, model.classes, self._settings.seconds / 2, self._settings.batches
                )
                self._took[model.name, runtime] = time.monotonic() - started
                self.results.forwards.append(Forward(number, model.name, runtime, rates))
                best = max(rates.values())
                say(f"round {number}: {model.name} {runtime} alone: {best:,.0f} images/s")

    def _time_for(self, model: str, server: str) -> bool:
        """Whether the longest visit of this kind so far would end in time."""
        expected = self._took.get((model, server), max(self._took.values(), default=0.0))
        return time.monotonic() + expected <= self._end

    def _visit(self, number: int, model: Model, name: str) -> None:
        settings, started = self._settings, time.monotonic()
        server = CATALOGUE[name].make(
            Place(model, settings.port, self._programs[name], settings.work)
        )
        extent = Extent(settings.port, settings.connections, settings.seconds)
        visit = pay(number, name, server, model, extent)
        self.results.visits.append(visit)
        self._took[model.name, name] = time.monotonic() - started
        if visit.problem:
            self._failed.add((model.name, name))
        say(f"round {number} of {settings.rounds}: {describe(visit)}")


def describe(visit: Visit) -> str:
    """A visit in a line."""
    who = f"{visit.model} {visit.server}"
    if visit.problem:
        return f"{who}: {visit.problem}"
    answers = ", ".join(f"{load.throughput:,.0f}" for load in visit.loads)
    return (
        f"{who}: ready in {visit.ready:.1f} s, {visit.memory >> 20} MiB, {answers} answers/s, "
        f"{sum(load.errors for load in visit.loads)} errors, {visit.wrong} wrong"
    )


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run("benchmarks", main))

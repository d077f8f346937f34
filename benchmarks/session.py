"""One run: every server of every model in turn, round after round, within the time for it."""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import forward, machine, models, servers
from benchmarks.errors import ServerFailed, UnknownName, Unprepared
from benchmarks.models import Model
from benchmarks.results import Forward, Results, Visit
from benchmarks.servers import CATALOGUE, Place
from benchmarks.settings import BenchSettings
from benchmarks.visit import Extent, pay
from registry.names import VARIANTS


class Session:
    """What is measured, and what came of it so far.

    Args:
        settings: the extent of it.
        results: where it is noted.
    """

    def __init__(self, settings: BenchSettings, results: Results) -> None:
        self._settings = settings
        self._results = results
        self._models: list[Model] = []
        self._programs: dict[str, Path] = {}
        self._end = 0.0
        self._took: dict[tuple[str, str], float] = {}
        self._failed: set[tuple[str, str]] = set()  # once is enough: it would take minutes again

    def prepare(self) -> None:
        """Make models and environments that are not there yet; what cannot be made is left out.

        Raises:
            UnknownName: a setting names what does not exist.
            Unprepared: a model could not be made.
        """
        unknown = set(self._settings.servers) - CATALOGUE.keys()
        if unknown:
            raise UnknownName(
                f"BENCH_SERVERS: there is no server {', '.join(sorted(unknown))}, "
                f"but {', '.join(CATALOGUE)}"
            )
        for name in self._settings.models:
            say(f"preparing the model {name}")
            self._models.append(models.prepare(name, self._settings.work))
        for name in self._settings.servers or CATALOGUE:
            self._prepare_server(name)

    def measure(self) -> None:
        """Measure until all rounds are done, or the time is over."""
        self._end = time.monotonic() + 60 * self._settings.minutes
        for number in range(1, self._settings.rounds + 1):
            started = time.monotonic()
            for who, step in self._steps(number):
                if who in self._failed:
                    continue
                if not self._time_for(who):
                    say(f"no time is left for more than this much of round {number}")
                    return
                before = time.monotonic()
                step()
                self._took[who] = time.monotonic() - before
            took, left = time.monotonic() - started, self._end - time.monotonic()
            say(f"round {number} took {took:.0f} s; {left:.0f} s are left")

    def _prepare_server(self, name: str) -> None:
        entry = CATALOGUE[name]
        try:
            if entry.peer:
                say(f"preparing the server {name}")
            self._programs[name] = servers.programs(name, self._settings.work)
        except Unprepared as error:
            self._results.left_out[name] = str(error)
            return
        if entry.peer:
            self._results.versions[name] = machine.peer_versions(self._programs[name])
        for model in self._models:
            if not entry.serves(model):
                reason = f"the gate let no variant in {entry.variant} pass"
                self._results.left_out[f"{name} ({model.name})"] = reason

    def _steps(self, number: int) -> Iterator[tuple[tuple[str, str], Callable[[], None]]]:
        """All that a round measures: of which model and what, and how."""
        for model in self._models:
            for name in self._programs:
                # The echo is the same for every model.
                again = name == servers.ECHO and model is not self._models[0]
                if CATALOGUE[name].serves(model) and not again:
                    yield (model.name, name), partial(self._visit, number, model, name)
            for runtime, file in _runtimes(model).items():
                yield (model.name, runtime), partial(self._forward, number, model, runtime, file)

    def _time_for(self, who: tuple[str, str]) -> bool:
        """Whether a step would end in time that takes as long as it last did."""
        expected = self._took.get(who, max(self._took.values(), default=0.0))
        return time.monotonic() + expected <= self._end

    def _visit(self, number: int, model: Model, name: str) -> None:
        settings = self._settings
        place = Place(model, settings.port, self._programs[name], settings.work)
        extent = Extent(settings.port, settings.connections, settings.seconds)
        visit = pay(number, name, CATALOGUE[name].make(place), model, extent)
        self._results.visits.append(visit)
        if visit.problem:
            self._failed.add((model.name, name))
        say(f"round {number} of {settings.rounds}: {describe(visit)}")

    def _forward(self, number: int, model: Model, runtime: str, file: Path) -> None:
        """Measure the bare forward pass."""
        seconds, batches = self._settings.seconds / 2, self._settings.batches
        try:
            rates = forward.measure(file, model.classes, seconds, batches)
        except ServerFailed as error:
            self._results.left_out[f"{runtime} alone ({model.name})"] = str(error)
            self._failed.add((model.name, runtime))
            return
        found = Forward(number, model.name, runtime, rates)
        self._results.forwards.append(found)
        say(f"round {number}: {model.name} {runtime} alone: {found.best:,.0f} images/s")


def describe(visit: Visit) -> str:
    """A visit in a line."""
    who = f"{visit.model} {visit.server}" + (f" ({visit.runs})" if visit.runs else "")
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


def _runtimes(model: Model) -> dict[str, Path]:
    """The model's files, by what runs them."""
    files = {"tensorflow": model.file}
    files |= {f"onnx {precision}": model.variant(precision) for precision in VARIANTS}
    return {runtime: file for runtime, file in files.items() if file.exists()}

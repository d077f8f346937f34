"""``python -m benchmarks``: measure this service beside its peers, in rounds, on these cores."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, plot, table
from benchmarks.load import require_generators
from benchmarks.processes import adopting_orphans
from benchmarks.results import Results
from benchmarks.session import Session, say
from benchmarks.settings import BenchSettings, quickened
from process.command import run
from process.settings import parse

PAGE = "README.md"


def main(argv: Sequence[str]) -> int:
    """Measure, and return 0 if every server could be measured."""
    settings = quickened(parse("benchmarks", __doc__ or "", BenchSettings, [], argv))
    begun = datetime.now(UTC)
    facts = {
        "date": f"{begun:%Y-%m-%d}",
        "wrk": require_generators(),
        **settings.model_dump(mode="json"),
    }
    results = Results(machine.describe(), {"service": machine.own_versions()}, facts)
    session = Session(settings, results)
    session.prepare()
    try:
        with adopting_orphans():
            session.measure()
    finally:
        if results.visits:  # those of a run that is interrupted, too
            report(results, settings.connections, settings.results / f"{begun:%Y-%m-%d-%H%M}")
    return int(any(visit.problem for visit in results.visits))


def report(results: Results, connections: Sequence[int], folder: Path) -> None:
    """Write the figures, the tables and the picture."""
    results.write(folder)
    (folder / PAGE).write_text(table.render(results, connections))
    plot.draw(results, connections, folder)
    say(f"results are in {folder}")


if __name__ == "__main__":
    sys.exit(run("benchmarks", main))

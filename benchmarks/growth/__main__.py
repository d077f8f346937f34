"""``python -m benchmarks.growth``: measure how the service grows, and size its pods by that."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.growth import measure
from benchmarks.growth.layouts import Layout, layouts
from benchmarks.growth.measure import Memory, Speed
from benchmarks.growth.page import Growth, render, with_tables
from benchmarks.load import require_generators
from benchmarks.models import Model, prepare
from benchmarks.processes import adopting_orphans
from benchmarks.servers import BASE, CATALOGUE, Place, Server, programs
from benchmarks.session import say
from benchmarks.settings import GrowthSettings
from process.command import run
from process.settings import parse

WATCHED = (BASE, "service-float32", "service-tensorflow")  # whose memory is told


def main(argv: Sequence[str]) -> int:
    """Measure, write the figures and the tables, and return 0."""
    settings = parse("benchmarks.growth", __doc__ or "", GrowthSettings, [], argv)
    begun = datetime.now(UTC)
    facts = {
        "date": f"{begun:%Y-%m-%d %H:%M} UTC",
        "load": os.getloadavg()[0],
        "wrk": require_generators(),
        **machine.describe(),
        **settings.model_dump(mode="json"),
    }
    models = [prepare(name, settings.work) for name in settings.models]
    with adopting_orphans():
        found = [grow(model, settings) for model in models]
    tables = render(found, facts, BASE)
    write(found, facts, tables, settings.results / f"growth-{begun:%Y-%m-%d-%H%M}")
    if settings.page:
        settings.page.write_text(with_tables(settings.page.read_text(), tables))
    return 0


def grow(model: Model, settings: GrowthSettings) -> Growth:
    """Everything about one model; the layouts take turns, so that a busy minute meets them all."""
    places = list(layouts(len(os.sched_getaffinity(0))))
    speeds: dict[Layout, list[Speed]] = {layout: [] for layout in places}
    for number in range(1, settings.rounds + 1):
        for layout in places:
            say(f"{model.name}: round {number}, {layout}")
            speeds[layout].append(
                measure.speed(
                    served(BASE, model, settings),
                    model,
                    layout,
                    settings.port,
                    settings.connections,
                    settings.seconds,
                )
            )
    memories: dict[str, Memory] = {}
    for name in WATCHED:
        if CATALOGUE[name].serves(model):
            say(f"{model.name}: memory of {name}")
            server = served(name, model, settings)
            memories[name] = measure.memory(server, model, settings.port, settings.seconds)
    return Growth(model.name, model.file.stat().st_size, speeds, memories)


def served(name: str, model: Model, settings: GrowthSettings) -> Server:
    """A server of the benchmark's catalogue."""
    place = Place(model, settings.port, programs(name, settings.work), settings.work)
    return CATALOGUE[name].make(place)


def write(found: Sequence[Growth], facts: dict[str, Any], tables: str, folder: Path) -> None:
    """Write the figures, and the tables that people read."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = [
        {
            "model": growth.model,
            "size": growth.size,
            "speeds": {
                str(layout): [asdict(speed) for speed in rounds]
                for layout, rounds in growth.speeds.items()
            },
            "memories": {name: asdict(memory) for name, memory in growth.memories.items()},
        }
        for growth in found
    ]
    document = {"facts": facts, "found": figures}
    (folder / "results.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "README.md").write_text(f"# Growth\n\n{tables}")
    say(f"results are in {folder}")


if __name__ == "__main__":
    sys.exit(run("benchmarks.growth", main))

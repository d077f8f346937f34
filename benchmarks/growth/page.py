"""The figures as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.growth import sizing
from benchmarks.growth.layouts import Layout
from benchmarks.growth.measure import DEMANDS, Memory, Speed

MIB = 2**20
BEGIN, END = "<!-- growth -->\n", "<!-- end -->\n"


@dataclass(frozen=True)
class Growth:
    """All that was measured with one model.

    Attributes:
        model: its name.
        size: bytes of its file.
        speeds: the rounds in each layout.
        memories: of each server, by name.
    """

    model: str
    size: int
    speeds: Mapping[Layout, Sequence[Speed]]
    memories: Mapping[str, Memory]


def render(found: Sequence[Growth], machine: Mapping[str, Any], server: str) -> str:
    """The whole page.

    Args:
        found: the figures.
        machine: what they were taken on.
        server: the one that was measured in all layouts.
    """
    heading = (
        f"Measured on {machine['date']}: {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory']}, Linux {machine['kernel']}; a load of {machine['load']:.1f} before "
        f"it began; loads of {machine['seconds']} s over "
        f"{machine['connections']} connections. Each figure is the median of "
        f"{machine['rounds']}, with the least and the most."
    )
    parts = [heading]
    for growth in found:
        parts += [f"### {growth.model}, {growth.size / MIB:.1f} MiB", _speeds(growth)]
        parts += [_memories(growth), _pods(growth, server)]
    return "\n\n".join(parts) + "\n"


def with_tables(text: str, tables: str) -> str:
    """A page with these tables between its marks, in the place of those that stand there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}{tables}{end}{after}"


def _speeds(growth: Growth) -> str:
    rows = [
        [
            str(layout),
            _spread([speed.throughput for speed in rounds], "{:,.0f}"),
            _spread([speed.per_cpu for speed in rounds], "{:,.0f}"),
            _spread([speed.p99 * 1000 for speed in rounds], "{:,.0f}"),
            str(sum(speed.errors for speed in rounds)),
        ]
        for layout, rounds in growth.speeds.items()
    ]
    return _table(["layout", "answers/s", "answers per CPU second", "p99 (ms)", "errors"], rows)


def _memories(growth: Growth) -> str:
    rows = [
        [name, *(f"{size / MIB:,.0f}" for size in (memory.ready, *memory.peaks))]
        for name, memory in growth.memories.items()
    ]
    return "Resident memory in MiB, once ready and under requests x images at a time:\n\n" + _table(
        ["server", "ready", *map(str, DEMANDS)], rows
    )


def _pods(growth: Growth, server: str) -> str:
    best = median(speed.per_cpu for speed in growth.speeds[Layout(1, 1)])
    pod = sizing.pod(best, growth.memories[server])
    row = [
        "1",
        f"{pod.request / MIB:.0f}Mi",
        f"{pod.limit / MIB:.0f}Mi",
        f"{pod.rate:,.0f}",
        *map(str, sizing.counts(pod)),
    ]
    rates = [f"{rate:,}/s" for rate in sizing.RATES]
    return f"Pods of `{server}`:\n\n" + _table(
        ["CPU", "memory request", "limit", "answers/s at 70 %", *rates], [row]
    )


def _spread(values: Sequence[float], form: str) -> str:
    middle, least, most = (
        form.format(value) for value in (median(values), min(values), max(values))
    )
    return middle if least == most else f"{middle} ({least}-{most})"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

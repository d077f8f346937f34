"""Figures over rounds: the middle, and how far they lie apart."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from benchmarks.load import Load
from benchmarks.results import Results, Visit

Figure = Callable[[Visit], float]


@dataclass(frozen=True)
class Spread:
    """Several measurements of the same.

    Attributes:
        median: the middle one.
        least: the smallest.
        most: the largest.
    """

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self | None:
        """The spread of some values; None if there are none."""
        values = list(values)
        return cls(statistics.median(values), min(values), max(values)) if values else None


def figures(results: Results, model: str, server: str, figure: Figure) -> Spread | None:
    """A figure of a server over the rounds; None if it was never measured."""
    return Spread.of(figure(visit) for visit in results.of(model, server))


def ratios(results: Results, model: str, pair: tuple[str, str], figure: Figure) -> Spread | None:
    """A figure of the pair's first server over its second one's, each within one round.

    What slows a machine down for minutes slows both, and leaves their ratio as it is. A figure of
    0 has none.
    """
    first, second = ({it.round: figure(it) for it in results.of(model, name)} for name in pair)
    both = sorted(first.keys() & second.keys())
    return Spread.of(
        first[number] / second[number] for number in both if first[number] and second[number]
    )


def throughput(connections: int) -> Figure:
    """Good answers per second over so many connections."""
    return lambda visit: _load(visit, connections).throughput


def p99(connections: int) -> Figure:
    """The 99th percentile of the latency over so many connections, in seconds."""
    return lambda visit: _load(visit, connections).p99


def complete_p99(connections: int) -> Figure:
    """As :func:`p99`, and 0 where slow answers are missing from it, which has no ratio."""
    return lambda visit: p99(connections)(visit) if _load(visit, connections).steady else 0.0


def p50(connections: int) -> Figure:
    """The median of the latency over so many connections, in seconds."""
    return lambda visit: _load(visit, connections).p50


def half_p50(visit: Visit) -> float:
    """The median of the latency at half load, in seconds; 0 if it was not measured."""
    return visit.half.p50 if visit.half else 0.0


def half_p99(visit: Visit) -> float:
    """The 99th percentile of the latency at half load, in seconds; 0 if it was not measured."""
    return visit.half.p99 if visit.half else 0.0


def ready(visit: Visit) -> float:
    """Seconds from start to first right answer."""
    return visit.ready


def memory(visit: Visit) -> float:
    """Bytes resident."""
    return visit.memory


def steady(results: Results, model: str, server: str, connections: int) -> bool:
    """Whether latencies over so many connections are complete in every round."""
    return all(_load(visit, connections).steady for visit in results.of(model, server))


def _load(visit: Visit, connections: int) -> Load:
    return next(load for load in visit.loads if load.connections == connections)

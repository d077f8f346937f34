"""What a service can reach at best: HTTP alone and the forward pass alone, one after the other."""

from benchmarks.results import Results
from benchmarks.servers import ECHO
from benchmarks.spread import Spread, throughput

# The server that runs on each runtime, and on no other.
SERVICES = {
    "tensorflow": "service-tensorflow",
    "onnx float32": "service-float32",
    "onnx int8": "service-int8",
}


def together(forward: float, echo: float) -> float:
    """Images per second where each takes the time of both; they cannot overlap on busy cores."""
    return 1 / (1 / forward + 1 / echo)


def bound(results: Results, model: str, runtime: str, connections: int) -> dict[int, float]:
    """What both costs allow together in each round in which both were measured.

    The echo is the same for every model, and is measured with one of them.
    """
    echoes = {
        visit.round: throughput(connections)(visit)
        for visit in results.visits
        if visit.server == ECHO and not visit.problem
    }
    return {
        found.round: together(found.best, echoes[found.round])
        for found in results.forwards
        if (found.model, found.runtime) == (model, runtime) and echoes.get(found.round)
    }


def reached(results: Results, model: str, runtime: str, connections: int) -> Spread | None:
    """Which share of that this service answers on the runtime; None if it was not measured."""
    bounds = bound(results, model, runtime, connections)
    return Spread.of(
        throughput(connections)(visit) / bounds[visit.round]
        for visit in results.of(model, SERVICES[runtime])
        if visit.round in bounds
    )

"""The results as Markdown."""

from collections.abc import Callable, Iterable, Sequence

from benchmarks import bare, spread
from benchmarks.results import PACED, Results, Visit
from benchmarks.servers import BASE, ECHO
from benchmarks.spread import Figure, Spread

NONE = "-"
REFERENCE = 64  # connections, at which the service is held against its bare costs


def render(results: Results, connections: Sequence[int]) -> str:
    """The whole page."""
    models = [_model(results, model, connections) for model in results.models()]
    return "\n\n".join([_heading(results), *models, *_left_out(results)]) + "\n"


def _heading(results: Results) -> str:
    machine, settings = results.machine, results.settings
    rounds = max((visit.round for visit in results.visits), default=0)
    return (
        f"# Benchmark of {results.settings['date']}\n\n"
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory']}, Linux "
        f"{machine['kernel']}, Python {machine['python']}; {rounds} rounds, loads of "
        f"{settings['seconds']} s. Each figure is the median over the rounds, with the least and "
        "the most. What is compared and what is not fair about it: benchmarks/README.md."
    )


def _model(results: Results, model: str, connections: Sequence[int]) -> str:
    parts = [
        f"## {model}",
        "Answers per second, by connections:\n\n"
        + _table(
            results,
            model,
            {str(count): _plain(spread.throughput(count)) for count in connections},
        ),
        "Latency in ms, median / 99th percentile; ≥ where the load ended before slow answers came:"
        "\n\n"
        + _table(
            results,
            model,
            {str(count): _latency(count) for count in connections}
            | {f"{PACED}, half load": _half_latency},
        ),
        "Start, memory, mistakes:\n\n"
        + _table(
            results,
            model,
            {
                "runs": _runs,
                "ready (s)": _plain(spread.ready, "{:.1f}"),
                "memory (MiB)": _plain(lambda visit: visit.memory / 2**20),
                "errors": _sum(_errors),
                "wrong answers": _wrong,
                "killed at the end": _sum(lambda visit: visit.strays),
            },
        ),
        _ratios(results, model, connections),
        _bare(results, model, connections),
    ]
    return "\n\n".join(part for part in parts if part)


Cell = Callable[[Results, str, str], str]


def _table(results: Results, model: str, columns: dict[str, Cell]) -> str:
    rows = [
        [name, *(cell(results, model, name) for cell in columns.values())]
        for name in results.servers(model)
    ]
    return _markdown(["server", *columns], rows)


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def _plain(figure: Figure, form: str = "{:,.0f}") -> Cell:
    def cell(results: Results, model: str, server: str) -> str:
        return _show(spread.figures(results, model, server, figure), form)

    return cell


def _sum(count: Figure) -> Cell:
    def cell(results: Results, model: str, server: str) -> str:
        return f"{sum(count(visit) for visit in results.of(model, server)):,.0f}"

    return cell


def _latency(connections: int) -> Cell:
    def cell(results: Results, model: str, server: str) -> str:
        found = [
            spread.figures(results, model, server, figure(connections))
            for figure in (spread.p50, spread.p99)
        ]
        if not all(each and each.most for each in found):
            return NONE  # there was no answer
        bound = "" if spread.steady(results, model, server, connections) else "≥ "
        return bound + " / ".join(f"{1e3 * each.median:,.1f}" if each else NONE for each in found)

    return cell


def _half_latency(results: Results, model: str, server: str) -> str:
    found = [
        spread.figures(results, model, server, each) for each in (spread.half_p50, spread.half_p99)
    ]
    if not all(each and each.most for each in found):
        return NONE
    return " / ".join(f"{1e3 * each.median:,.1f}" if each else NONE for each in found)


def _runs(results: Results, model: str, server: str) -> str:
    return ", ".join(dict.fromkeys(it.runs for it in results.of(model, server) if it.runs)) or NONE


def _errors(visit: Visit) -> int:
    half = [visit.half] if visit.half else []
    return sum(load.errors for load in (*visit.loads, *half))


def _wrong(results: Results, model: str, server: str) -> str:
    visits = results.of(model, server)
    if server == ECHO:
        return NONE
    return f"{sum(it.wrong for it in visits)} of {sum(it.asked for it in visits)}"


def _ratios(results: Results, model: str, connections: Sequence[int]) -> str:
    """This service over each other server: above 1 it answers more, and needs more."""
    columns = {f"answers/s at {count}": spread.throughput(count) for count in connections}
    columns |= {f"p99 at {count}": spread.complete_p99(count) for count in connections}
    columns |= {"p99 at half load": spread.half_p99}
    columns |= {"ready": spread.ready, "memory": spread.memory}
    others = [name for name in results.servers(model) if name not in (BASE, ECHO)]
    if not others or BASE not in results.servers(model):
        return ""
    rows = [
        [
            name,
            *(
                _show(spread.ratios(results, model, (BASE, name), each), "{:.2f}")
                for each in columns.values()
            ),
        ]
        for name in others
    ]
    heading = f"`{BASE}` over each other, within a round: more answers are better, the rest worse:"
    return f"{heading}\n\n{_markdown(['server', *columns], rows)}"


def _bare(results: Results, model: str, connections: Sequence[int]) -> str:
    """The forward pass alone, by runtime, and what it and the echo allow together."""
    runtimes = dict.fromkeys(it.runtime for it in results.forwards if it.model == model)
    if not runtimes:
        return ""
    count = REFERENCE if REFERENCE in connections else max(connections)
    rows = []
    for runtime in runtimes:
        measured = [it for it in results.forwards if (it.model, it.runtime) == (model, runtime)]
        best = max(measured[-1].throughput, key=lambda size: measured[-1].throughput[size])
        allowed = Spread.of(bare.bound(results, model, runtime, count).values())
        reached = bare.reached(results, model, runtime, count)
        alone = Spread.of(it.best for it in measured)
        rows.append([runtime, _show(alone), str(best), _show(allowed), _show(reached, "{:.2f}")])
    header = ["runtime", "alone (images/s)", "best batch", "with the echo", "share reached"]
    heading = (
        f"The bare forward pass, what it and the echo over {count} connections allow one after "
        "the other, and the share of that which this service reaches on that runtime:"
    )
    return f"{heading}\n\n{_markdown(header, rows)}"


def _left_out(results: Results) -> Iterable[str]:
    problems = {
        f"{visit.server} ({visit.model}, round {visit.round})": visit.problem
        for visit in results.visits
        if visit.problem
    }
    reasons = results.left_out | problems
    if reasons:
        yield "## Not measured\n\n" + "\n".join(f"- {who}: {why}" for who, why in reasons.items())


def _show(found: Spread | None, form: str = "{:,.0f}") -> str:
    if found is None:
        return NONE
    median, least, most = (form.format(it) for it in (found.median, found.least, found.most))
    return median if least == most else f"{median} ({least} to {most})"

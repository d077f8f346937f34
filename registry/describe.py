"""What the registry holds, as text for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from registry.backend import Diagnosis
from registry.card import Card
from registry.record import Stage, StageRecord, StageState
from registry.sentence import printable
from registry.verdict import Verdict

DIGITS = 12  # of a version, where people compare versions; any unique beginning will do to name one


@dataclass(frozen=True)
class Summary:
    """A version in one line.

    Attributes:
        version: the version.
        created: when, ISO 8601.
        gate: what the gate said last.
        stages: the stages that it is in.
    """

    version: str
    created: str
    gate: str
    stages: tuple[Stage, ...]


def short(version: str) -> str:
    """The beginning of a version, or a dash for none."""
    return version[:DIGITS] or "-"


def table(rows: Iterable[Sequence[str]]) -> str:
    """The rows in aligned columns."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def summaries(versions: Sequence[Summary], location: str) -> str:
    """The list of the versions in a registry, a line each."""
    if not versions:
        return f"there is no version yet in {location}: training publishes them"
    rows = [
        (short(each.version), _time(each.created), each.gate, ", ".join(each.stages))
        for each in versions
    ]
    return table([("version", "created", "gate", "stages"), *rows])


def stage(stage: Stage, state: StageState | None) -> str:
    """What is in a stage."""
    if state is None:
        return f"{stage} is empty"
    record = state.record
    rows = [
        (stage, record.version),
        ("replaced", record.previous or "nothing"),
        ("by", f"{record.action} of {record.who}"),
        ("when", _time(record.when)),
        ("why", record.why),
        ("verdict", record.verdict or "none"),
        ("signed by", record.signature.partition(":")[0] or "nobody"),
        ("operation", record.operation),
    ]
    return table(rows)


def history(records: Sequence[StageRecord]) -> str:
    """The changes of a stage, a line each."""
    rows = [
        (str(each.sequence), _time(each.when), each.action, short(each.version), each.who, each.why)
        for each in records
    ]
    return table([("#", "when", "what", "version", "who", "why"), *rows])


def version(card: Card, verdicts: Sequence[Verdict], stages: Sequence[Stage]) -> str:
    """A version: its card in short, and what the gate said of it."""
    rows = [
        ("version", card.version),
        ("in", ", ".join(stages) or "no stage"),
        ("created", _time(card.created)),
        ("code", card.code_revision),
        ("data", f"{card.data.source}, {sum(card.data.images.values())} images"),
        ("classes", ", ".join(card.classes)),
        ("metrics", ", ".join(f"{name} {value:.4g}" for name, value in card.metrics.items())),
        *(("verdict", _verdict(verdict)) for verdict in verdicts),
    ]
    return table(rows)


def diagnosis(found: Diagnosis, states: Mapping[Stage, StageState | None]) -> str:
    """What the doctor found."""
    answer = {True: "yes", False: "NO", None: "not known"}
    rows = [
        ("identity", found.identity),
        ("location", found.location),
        *((name, answer[allowed]) for name, allowed in found.permissions.items()),
        *(
            (name, short(state.record.version) if state else "empty")
            for name, state in states.items()
        ),
    ]
    notes = [f"note: {found.note}"] if found.note else []
    return "\n".join([table(rows), *notes, *(f"problem: {each}" for each in found.problems)])


def judgement(verdicts: Sequence[Verdict]) -> str:
    """What the gate said last of a version."""
    if not verdicts:
        return "not judged"
    return "passed" if verdicts[-1].passed else "refused"


def _verdict(verdict: Verdict) -> str:
    reasons = f": {'; '.join(verdict.reasons)}" if verdict.reasons else ""
    return f"{_time(verdict.created)} {'passed' if verdict.passed else 'refused'}{reasons}"


def _time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

"""Everything that a registry knows of one version, gathered for its model card."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from registry.card import Card
from registry.errors import BadKey, Corrupt, Untrusted
from registry.record import StageRecord
from registry.store import Registry
from registry.verdict import Verdict

T = TypeVar("T")


@dataclass(frozen=True)
class Placement:
    """A time that the version was in a stage.

    Attributes:
        record: the change that put it there.
        successor: the version that replaced it; empty if none has, or if the log lacks it.
        current: whether it is there now.
        signature: in words, whether the record is signed; empty where records are not.
    """

    record: StageRecord
    successor: str
    current: bool
    signature: str


@dataclass(frozen=True)
class Dossier:
    """What is known of a version.

    Attributes:
        card: what training wrote.
        verdicts: what the gate said of it, newest first.
        signature: in words, whether the gate signed the latest verdict, on this very card.
        placements: each time that it was in a stage, by stage and then newest first.
        before: what was in production when its training ended; empty if nothing was.
        gaps: what could not be read, a sentence each.
    """

    card: Card
    verdicts: tuple[Verdict, ...]
    signature: str
    placements: tuple[Placement, ...]
    before: str
    gaps: tuple[str, ...]

    @property
    def verdict(self) -> Verdict | None:
        """The latest verdict."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def current(self) -> tuple[Placement, ...]:
        """The stages that it is in now."""
        return tuple(each for each in self.placements if each.current)

    @property
    def production(self) -> Placement | None:
        """The latest time that it was put into production."""
        found = (each for each in self.placements if each.record.stage == "production")
        return next(found, None)


def gather(registry: Registry, version: str) -> Dossier:
    """Read what the registry has on a version.

    Raises:
        NotFound: there is no such version.
        Corrupt: its card is not valid. Whatever else is damaged becomes one of the gaps.
    """
    gaps: list[str] = []
    card = registry.card(version)
    verdicts = _readable(partial(registry.verdicts, version), gaps)
    production = _readable(partial(registry.history, "production"), gaps)
    return Dossier(
        card=card,
        verdicts=tuple(reversed(verdicts)),
        signature=_verdict_signature(registry, version) if verdicts else "",
        placements=tuple(
            placement
            for history in (production, _readable(partial(registry.history, "testing"), gaps))
            for placement in _placements(registry, version, history)
        ),
        before=_at(card.created, production),
        gaps=tuple(gaps),
    )


def _readable(read: Callable[[], list[T]], gaps: list[str]) -> list[T]:
    try:
        return read()
    except (BadKey, Corrupt) as error:
        gaps.append(str(error))
        return []


def _placements(
    registry: Registry, version: str, history: Sequence[StageRecord]
) -> Iterator[Placement]:
    state = registry.current(history[0].stage) if history else None
    for successor, record in zip([None, *history], history, strict=False):
        if record.version == version:
            current = state is not None and state.record == record
            replaced_by = successor.version if successor and not current else ""
            yield Placement(record, replaced_by, current, _record_signature(registry, record))


def _record_signature(registry: Registry, record: StageRecord) -> str:
    if record.stage == "testing":
        return ""
    return _in_words(record.signature, partial(registry.check, record))


def _verdict_signature(registry: Registry, version: str) -> str:
    signature = registry.evidence(version).signature
    return _in_words(signature, partial(registry.check_verdict, version))


def _in_words(signature: str, check: Callable[[], None]) -> str:
    """Whether a signature holds."""
    if not signature:
        return "not signed"
    try:
        check()
    except Untrusted as error:
        return f"NOT VALID: {error.reason}"
    except BadKey as error:
        return f"not checked: {error}"
    return f"valid, by key {signature.partition(':')[0]}"


def _at(time: str, history: Sequence[StageRecord]) -> str:
    """The version that a stage held at a time; empty if none, or if a time cannot be read."""
    try:
        moment = datetime.fromisoformat(time)
        held = (each for each in history if datetime.fromisoformat(each.when) <= moment)
        return next((record.version for record in held), "")
    except (TypeError, ValueError):  # no time, or one with a zone against one without
        return ""

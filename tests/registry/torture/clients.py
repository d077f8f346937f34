"""Clients of a registry that write down what they asked for and what they were told."""

import math
import uuid
from collections.abc import Callable, Sequence

from registry.backend import Backend
from registry.errors import (
    AlreadyThere,
    Conflict,
    NotFound,
    NotPromotable,
    OutcomeUnknown,
    RegistryError,
    Unreachable,
)
from registry.record import Damaged, StageRecord, StageState
from registry.store import Registry
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, approved
from tests.registry.torture.linearizability import Event
from tests.registry.torture.model import Answer, Call, Change, Model

TRUST = trust()  # all clients may promote
NOTHING_TO_ROLL_BACK_TO = "nothing to roll back to"


class Violation(AssertionError):
    """The registry has broken its contract."""


class Client:
    """A user of the registry with what it has seen of production, which may be out of date.

    Args:
        name: its name.
        backend: its own back end.
        samples: every model that may be published, by version.
        tick: the number of the moment, greater at each call; shared by all clients.
    """

    def __init__(
        self, name: str, backend: Backend, samples: Sequence[Sample], tick: Callable[[], int]
    ) -> None:
        self.name = name
        self.seen: StageState | None = None
        self._samples = {each.version: each for each in samples}
        self._tick = tick
        self._operations: list[str] = []
        self.registry = Registry(backend, name, new_id=self._new_id, trust=TRUST)

    def perform(self, call: Call) -> Event:
        """Do what is asked, promotions against what this client has seen."""
        self._operations = []
        began = self._tick()
        answer = self._answer(call)
        ended = math.inf if answer.kind == "unknown" else self._tick()
        return Event(self.name, call, answer, began, ended, tuple(self._operations))

    @property
    def against(self) -> str:
        """The operation that this client has seen in production; empty for none."""
        return self.seen.record.operation if self.seen else ""

    def _new_id(self) -> str:
        self._operations.append(uuid.uuid4().hex)
        return self._operations[-1]

    def _answer(self, call: Call) -> Answer:
        try:
            return self._do(call)
        except Conflict as lost:
            return Answer("lost", operations=_ids([lost.winner] if lost.winner else []))
        except OutcomeUnknown as unknown:
            return Answer("unknown", operations=(unknown.operation,))
        except AlreadyThere:
            return Answer("there")
        except NotFound as error:
            return Answer("nothing" if NOTHING_TO_ROLL_BACK_TO in str(error) else "failed")
        except (NotPromotable, Unreachable):
            return Answer("failed")
        except RegistryError as error:
            raise Violation(f"no fault but lost answers was ordered: {error}") from error

    def _do(self, call: Call) -> Answer:
        registry = self.registry
        match call.what:
            case "look":
                self.seen = _undamaged(registry.inspect("production"))
                return Answer("read", operations=_ids([self.seen.record] if self.seen else []))
            case "history":
                return Answer("read", operations=_ids(registry.history("production")))
            case "publish":
                sample = self._samples[call.version]
                return Answer(
                    "done", change_of(registry.publish(sample.path, sample.card, "").record)
                )
            case "promote":
                self.seen = registry.promote(call.version, self.seen, "")
            case "rollback":
                self.seen = registry.rollback("", call.version or None)
        return Answer("done", change_of(self.seen.record) if self.seen else None)


def change_of(record: StageRecord) -> Change:
    """What the model knows of a record."""
    return Change(record.operation, record.version, record.previous, record.sequence)


def prepared(registry: Registry, samples: Sequence[Sample]) -> Model:
    """Publish and approve all samples; return the model of that."""
    for each in samples:
        approved(registry, each)
    return Model(testing=tuple(change_of(each) for each in registry.history("testing")[::-1]))


def check_reports(events: Sequence[Event], registry: Registry) -> None:
    """Check what clients were told against what is in the registry in the end.

    Raises:
        Violation: a win was reported as a loss or a loss as a win, or the registry is damaged.
    """
    made = {
        each.operation: change_of(each)
        for stage in ("testing", "production")
        for each in registry.history(stage)
    }
    for event in events:
        mine = [made[each] for each in event.operations if each in made]
        reported = [event.answer.change] if event.answer.change else []
        if event.answer.kind == "unknown":
            if len(mine) > 1:
                raise Violation(f"one call changed a stage twice: {event}")
        elif mine != reported:
            raise Violation(f"reported as {reported}, but in truth {mine}: {event}")
    if problems := registry.verify():
        raise Violation(f"the registry is damaged: {problems}")


def _undamaged(state: StageState | Damaged | None) -> StageState | None:
    if isinstance(state, Damaged):
        raise Violation(f"a stage that nobody damaged is taken for damaged: {state}")
    return state


def _ids(records: Sequence[StageRecord]) -> tuple[str, ...]:
    return tuple(each.operation for each in records)

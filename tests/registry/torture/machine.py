"""Random sequences of calls by several clients, each answer compared with the model's."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from registry.backend import Backend
from tests.registry.samples import Sample, verdict
from tests.registry.torture.clients import Client, change_of, check_reports
from tests.registry.torture.linearizability import Event
from tests.registry.torture.model import Call, Kind, Model
from tests.registry.watched import LosesOne, Watched, When

CLIENTS = 3
SAMPLES = 4
MOST_WRITES = 6  # of one call


@dataclass
class Losing:
    """A hook that passes on to another one for as long as there is one."""

    hook: LosesOne | None = None

    def __call__(self, when: When, operation: str) -> None:
        if self.hook:
            self.hook(when, operation)


clients = st.integers(0, CLIENTS - 1)
samples = st.integers(0, SAMPLES - 1)
beginnings = st.sampled_from([SAMPLES, SAMPLES - 1, 1, 0])
whens: st.SearchStrategy[When] = st.sampled_from(["before", "after"])
losses = st.none() | st.tuples(whens, st.integers(1, MOST_WRITES))
Loss = tuple[When, int] | None


class RegistryMachine(RuleBasedStateMachine):
    """Clients of a new registry; a call may lose one of its writes, or the answer to it.

    Subclasses say where the registry is (:func:`machine`).
    """

    open_registry: Callable[[], Callable[[], Backend]]
    models: Sequence[Sample]
    finished: list[list[Event]]  # of each sequence
    struck = 0  # writes that were lost, or the answers to them

    def __init__(self) -> None:
        super().__init__()
        open_backend = type(self).open_registry()
        tick = itertools.count().__next__
        self.hooks = [Losing() for _ in range(CLIENTS)]
        self.clients = [
            Client(f"client {number}", Watched(open_backend(), hook), self.models, tick)
            for number, hook in enumerate(self.hooks)
        ]
        self.model = Model()
        self.judged: dict[str, bool] = {}
        self.events: list[Event] = []

    @initialize(published=beginnings, promoted=beginnings)
    def begin(self, published: int, promoted: int) -> None:
        for what in range(published):
            self.publish(0, what, None)
            self.judge(0, 0, True)
        for what in range(min(published, promoted)):
            self.promote(0, what, True, None)

    @rule(who=clients, what=samples, loss=losses)
    def publish(self, who: int, what: int, loss: Loss) -> None:
        self.perform(who, Call("publish", self.models[what].version), "done", loss)

    @precondition(lambda self: self.model.testing)
    @rule(who=clients, back=st.integers(0, 3), passed=st.sampled_from([True, True, False]))
    def judge(self, who: int, back: int, passed: bool) -> None:
        change = self.model.testing[-1 - back % len(self.model.testing)]
        registry = self.clients[who].registry
        registry.add_verdict(verdict(registry, change.version, passed), {"report.html": b"<html>"})
        self.judged[change.version] = passed

    @rule(who=clients, what=samples, looks=st.booleans(), loss=losses)
    def promote(self, who: int, what: int, looks: bool, loss: Loss) -> None:
        if looks:
            self.look(who)
        call = Call("promote", self.models[what].version, self.clients[who].against)
        if not self.judged.get(call.version):
            self.perform(who, call, "failed", loss)
        else:
            self.perform(who, call, "done" if self.model.after(call, "") else "lost", loss)

    @rule(who=clients, what=st.none() | samples, loss=losses)
    def roll_back(self, who: int, what: int | None, loss: Loss) -> None:
        call = Call("rollback", "" if what is None else self.models[what].version)
        refused: Kind = "nothing" if what is None else "failed"
        if call.version in self.model.standing[-1:]:
            refused = "there"
        self.perform(who, call, "done" if self.model.after(call, "") else refused, loss)

    @rule(who=clients)
    def look(self, who: int) -> None:
        self.perform(who, Call("look"), "read", None)

    @rule(who=clients)
    def read_history(self, who: int) -> None:
        self.perform(who, Call("history"), "read", None)

    @invariant()
    def the_stages_hold_what_the_model_does(self) -> None:
        registry = self.clients[0].registry
        state = registry.current("production")
        assert (change_of(state.record) if state else None) == next(
            reversed(self.model.production), None
        )
        assert set(registry.versions()) == {change.version for change in self.model.testing}

    def teardown(self) -> None:
        """Check what all calls have left behind."""
        check_reports(self.events, self.clients[0].registry)
        self.finished.append(self.events)

    def perform(self, who: int, call: Call, kind: Kind, loss: Loss) -> None:
        """Have a client make a call, and check its answer."""
        if loss:
            when, at = loss
            self.hooks[who].hook = LosesOne(when, {"create", "replace_if"}, at)
        event = self.clients[who].perform(call)
        if (hook := self.hooks[who].hook) and hook.struck:
            type(self).struck += 1
        self.hooks[who].hook = None
        self.events.append(event)
        assert event.answer.kind == kind, event
        [self.model] = self.model.answering(call, event.answer)


def machine(
    open_registry: Callable[[], Callable[[], Backend]], models: Sequence[Sample]
) -> type[RegistryMachine]:
    """A machine for registries that lie somewhere.

    Args:
        open_registry: makes an empty registry, and returns what opens a client's back end of it.
        models: as many as there are :data:`SAMPLES`.
    """
    place = {"open_registry": staticmethod(open_registry), "models": models, "finished": []}
    return type("TheMachine", (RegistryMachine,), place)

"""The judge of histories acquits those that one atomic registry could have had, and no others."""

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.torture.linearizability import Event, linearizable
from tests.registry.torture.model import Answer, Call, Change, Model

A, B = "a" * 64, "b" * 64
START = Model()


def promoted(
    version: str, operation: str, sequence: int, previous: str, against: str, began: int, ended: int
) -> Event:
    change = Change(operation, version, previous, sequence)
    return Event("", Call("promote", version, against), Answer("done", change), began, ended)


def looked(operations: Sequence[str], began: int, ended: int) -> Event:
    return Event("", Call("look"), Answer("read", operations=tuple(operations)), began, ended)


FIRST = promoted(A, "1", 1, "", "", 0, 3)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [looked([], 0, 1)],
        [FIRST, looked(["1"], 1, 2)],
        [FIRST, looked([], 1, 2)],
        [FIRST, looked([], 1, 2), looked(["1"], 4, 5)],
        [FIRST, promoted(B, "2", 2, A, "1", 2, 5), looked(["2"], 6, 7)],
        [Event("", Call("promote", A), Answer("unknown", operations=("1",)), 0, math.inf)],
        [
            Event("", Call("promote", A), Answer("unknown", operations=("1",)), 0, math.inf),
            looked([], 1, 2),
            looked(["1"], 3, 4),
        ],
        [FIRST, Event("", Call("promote", B), Answer("lost", operations=("1",)), 1, 2)],
        [FIRST, Event("", Call("rollback"), Answer("nothing"), 4, 5)],
    ],
)
def test_what_may_be(events: list[Event]) -> None:
    assert linearizable(events, START)


@pytest.mark.parametrize(
    "events",
    [
        [looked(["1"], 0, 1)],
        [FIRST, looked([], 4, 5)],
        [FIRST, looked(["1"], 1, 2), looked([], 4, 5)],
        [FIRST, looked(["1"], 0, 1), looked([], 2, 3)],
        [FIRST, promoted(B, "2", 1, "", "", 1, 2)],
        [FIRST, promoted(B, "2", 2, A, "", 4, 5)],
        [FIRST, promoted(B, "2", 3, A, "1", 4, 5)],
        [FIRST, Event("", Call("promote", B), Answer("lost", operations=("2",)), 1, 2)],
        [Event("", Call("promote", B), Answer("lost", operations=("",)), 1, 2)],
        [
            Event("", Call("promote", A), Answer("unknown", operations=("1",)), 0, math.inf),
            looked(["1"], 1, 2),
            looked([], 3, 4),
        ],
    ],
)
def test_what_may_not_be(events: list[Event]) -> None:
    assert not linearizable(events, START)


def by_trying_all(events: Sequence[Event]) -> bool:
    """The same by the definition, for a few events whose outcome is known."""
    for order in itertools.permutations(events):
        if any(after.ended <= event.began for event, after in itertools.combinations(order, 2)):
            continue
        models = [START]
        for event in order:
            models = [new for each in models for new in each.answering(event.call, event.answer)]
        if models:
            return True
    return False


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Promotions and looks with answers that are often wrong, at any time."""
    events = []
    for number in range(draw(st.integers(1, 5))):
        began = draw(st.integers(0, 8))
        ended = draw(st.integers(began + 1, 10))
        known = st.sampled_from(["", *map(str, range(number + 1))])
        if draw(st.booleans()):
            events.append(looked(tuple(filter(None, [draw(known)])), began, ended))
        else:
            sequence, previous = draw(st.sampled_from([(1, ""), (2, A), (2, B)]))
            version = draw(st.sampled_from([A, B]))
            event = promoted(version, str(number), sequence, previous, draw(known), began, ended)
            events.append(event)
    return events


@given(histories())
def test_it_judges_as_the_definition_does(events: list[Event]) -> None:
    assert linearizable(events, START) == by_trying_all(events)

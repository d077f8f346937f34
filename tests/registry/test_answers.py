from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import answers
from registry.answers import Answers
from registry.store import Registry
from tests.registry.samples import Sample, promoted, verdict

Samples = Callable[[int], list[Sample]]

ANSWERS = Answers((3, 0, 4), (0.5, 0.9), (1, 2, 4))
WRITTEN = {"classes": [3, 0, 4], "edges": [0.5, 0.9], "confidence": [1, 2, 4]}


def test_they_are_read_back() -> None:
    assert answers.read({"answers": asdict(ANSWERS)}) == ANSWERS
    assert answers.read({"answers": WRITTEN}) == ANSWERS
    assert ANSWERS.images == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"answers": None},
        {"answers": 7},
        {"answers": WRITTEN | {"classes": [3, 0, 5]}},
        {"answers": WRITTEN | {"classes": [8, -1, 0]}},
        {"answers": WRITTEN | {"edges": [0.5]}},
        {"answers": WRITTEN | {"edges": [0.9, 0.5]}},
        {"answers": WRITTEN | {"edges": [0.5, float("nan")]}},
        {"answers": {"classes": [], "edges": [], "confidence": [0]}},
    ],
)
def test_what_is_none_is_taken_for_none(wrong: dict[str, Any]) -> None:
    assert answers.read(wrong) is None


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists))
def test_anything_may_stand_there(found: Any) -> None:
    assert answers.read({"answers": found}) is None


def test_only_what_is_vouched_for_is_read(registry: Registry, samples: Samples) -> None:
    (one,) = samples(1)
    state = promoted(registry, one)
    assert answers.vouched(state.record, registry.evidence(state.record)) is None
    registry.add_verdict(replace(verdict(registry, one.version), metrics={"answers": WRITTEN}), {})
    found = registry.evidence(one.version)
    assert answers.vouched(one.version, found) == ANSWERS
    promoted_with = registry.promote(one.version, state, "its figures")
    assert answers.vouched(promoted_with.record, found) == ANSWERS
    forced = registry.promote(one.version, promoted_with, "by hand", force=True)
    assert answers.vouched(forced.record, found) is None

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import answers
from registry.answers import Answers

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

"""The model of a disk whose power is cut."""

import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.torture.disk_states import Disk, State, every, foreseen
from tests.registry.torture.disk_trace import Step
from tests.registry.torture.power_cuts import materialise

FILE = [Step("create", "a"), Step("sync", "a", content=b"whole")]
MADE = [*FILE, Step("sync", ".")]


def states(steps: Sequence[Step]) -> list[State]:
    """What may be left after the steps, each state once."""
    disk = Disk()
    for step in foreseen(steps):
        disk.take(step)
    found: list[State] = []
    for state in disk.states(random.Random(0), 1000):
        if state not in found:
            found.append(state)
    return found


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([], [{}]),
        (FILE, [{}, {"a": b"whole"}]),
        (MADE, [{"a": b"whole"}]),
        ([*MADE, Step("unlink", "a")], [{"a": b"whole"}, {}]),
        ([*MADE, Step("unlink", "a"), Step("sync", ".")], [{}]),
        ([*MADE, Step("link", "b", "a")], [{"a": b"whole"}, {"a": b"whole", "b": b"whole"}]),
        (
            [*MADE, Step("symlink", "l", "a"), Step("sync", "."), Step("rename", "a", "l")],
            # The target is never gone; the old name may be.
            [{"a": b"whole", "l": "a"}, {"a": b"whole"}, {"a": "a", "l": "a"}, {"a": "a"}],
        ),
        ([Step("mkdir", "d"), Step("create", "d/a"), Step("sync", "d/a", content=b"x")],
         [{}, {"d": None}, {"d": None, "d/a": b"x"}]),
        ([Step("mkdir", "d"), Step("create", "d/a"), Step("sync", "d/a", content=b"x"),
          Step("sync", "d")],
         [{}, {"d": None, "d/a": b"x"}]),
    ],
)  # fmt: skip
def test_what_a_power_cut_leaves(steps: list[Step], left: list[State]) -> None:
    found = states(steps)
    assert all(state in found for state in left)
    assert len(found) == len(left)


def test_a_name_may_be_there_without_the_content() -> None:
    steps = [Step("create", "a"), Step("sync", "."), Step("link", "b", "a", b"whole")]
    contents = {state["a"] for state in states(steps)}
    assert contents == {b"", b"wh", bytes(5), b"whole"}
    assert all(state.get("b", state["a"]) == state["a"] for state in states(steps))


@given(st.lists(st.integers(1, 4), max_size=5))
def test_every_choice_is_made_once(counts: list[int]) -> None:
    made = list(every(lambda choose: tuple(choose(count) for count in counts)))
    assert made == list(itertools.product(*map(range, counts)))


def test_later_choices_may_depend_on_earlier_ones() -> None:
    made = list(every(lambda choose: [choose(3) for _ in range(choose(3))]))
    assert len(made) == 1 + 3 + 9


def test_of_too_many_states_some_are_drawn_and_both_ends_are_among_them() -> None:
    disk = Disk()
    for number in range(12):
        disk.take(Step("mkdir", str(number)))
    found = list(disk.states(random.Random(0), 50))
    assert len(found) == 50
    assert {} in found
    assert dict.fromkeys(map(str, range(12))) in found


def test_a_state_is_put_into_a_folder(tmp_path: Path) -> None:
    materialise({"d": None, "d/a": b"x", "l": "d/a"}, tmp_path)
    assert (tmp_path / "l").readlink() == Path("d/a")
    assert (tmp_path / "l").read_bytes() == b"x"

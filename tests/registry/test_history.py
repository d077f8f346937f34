"""Where rolling back leads, for every history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import NotFound
from registry.history import earlier, latest, standing
from registry.record import StageRecord

VERSIONS = [digit * 64 for digit in "abcde"]


def records(changes: list[tuple[str, str]]) -> list[StageRecord]:
    return [
        StageRecord("production", version, "", number, str(number), action, "", "", "")  # type: ignore[arg-type]
        for number, (action, version) in enumerate(changes, start=1)
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Promotions of any version, and rollbacks to any that was there before."""
    changes: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(1, 20))):
        seen = sorted({version for _, version in changes})
        if seen and draw(st.booleans()):
            changes.append(("rollback", draw(st.sampled_from(seen))))
        else:
            changes.append(("promote", draw(st.sampled_from(VERSIONS))))
    return changes


def test_a_rollback_takes_away_what_lies_above() -> None:
    a, b, c, *_ = VERSIONS
    changes = [("promote", a), ("promote", b), ("promote", c)]
    assert standing(records(changes)) == [a, b, c]
    changes.append(("rollback", b))
    assert standing(records(changes)) == [a, b]
    changes.append(("promote", c))
    assert standing(records(changes)) == [a, b, c]
    changes.append(("rollback", a))
    assert standing(records(changes)) == [a]
    changes.append(("rollback", c))
    assert standing(records(changes)) == [a, c]


@given(histories())
def test_the_last_one_standing_is_in_the_stage(changes: list[tuple[str, str]]) -> None:
    assert standing(records(changes))[-1] == changes[-1][1]


@given(histories())
def test_an_earlier_version_is_found_without_reading_more_than_it_takes(
    changes: list[tuple[str, str]],
) -> None:
    newest_first = records(changes)[::-1]
    below = standing(newest_first[::-1])[-2:-1]
    unread = iter(newest_first)
    if not below:
        with pytest.raises(NotFound, match="nothing to roll back to"):
            earlier(unread)
        return
    found = earlier(unread)
    assert found == latest(newest_first, below[0])
    if changes[-1][0] == "promote" and changes[-2][1] != changes[-1][1]:
        assert len(list(unread)) == len(changes) - 2


@given(histories())
def test_rolling_back_again_and_again_ends_and_always_changes_the_version(
    changes: list[tuple[str, str]],
) -> None:
    before = standing(records(changes))
    for left in reversed(range(1, len(before))):
        target = standing(records(changes))[-2]
        assert target != changes[-1][1]
        changes.append(("rollback", target))
        assert standing(records(changes)) == before[:left]
    assert len(standing(records(changes))) == 1

"""Where rolling back leads, for every history."""

from hypothesis import given
from hypothesis import strategies as st

from registry.history import standing
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

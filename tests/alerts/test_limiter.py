"""The limiter, case by case, and against the plainest model of what it promises."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.limiter import HOUR, Decision, Limiter, Outcome

SEND = Decision(Outcome.SEND)
REPEATED = Decision(Outcome.REPEATED)


def test_a_repetition_is_held_back_until_the_window_ends() -> None:
    limiter = Limiter(repeat_after=60, max_per_hour=10)
    assert limiter.decide("a", 0) == SEND
    assert limiter.decide("a", 59.9) == REPEATED
    assert limiter.decide("a", 60) == Decision(Outcome.SEND, {"a": 1})


def test_a_window_begins_with_an_email_and_not_with_a_repetition() -> None:
    limiter = Limiter(repeat_after=60, max_per_hour=10)
    outcomes = [limiter.decide("a", now).outcome for now in (0, 40, 80, 120)]
    assert outcomes == ["send", "repeated", "send", "repeated"]


def test_the_next_email_of_any_key_tells_what_was_held_back() -> None:
    limiter = Limiter(repeat_after=60, max_per_hour=10)
    for now, key in enumerate(["a", "b", "a", "a", "b"]):
        limiter.decide(key, now)
    assert limiter.decide("c", 10) == Decision(Outcome.SEND, {"a": 2, "b": 1})
    assert limiter.decide("d", 11) == SEND


def test_without_a_window_nothing_is_a_repetition() -> None:
    limiter = Limiter(repeat_after=0, max_per_hour=10)
    assert [limiter.decide("a", 0) for _ in range(3)] == [SEND] * 3


def test_over_the_cap_one_notice_goes_out() -> None:
    limiter = Limiter(repeat_after=60, max_per_hour=2)
    decisions = [limiter.decide(key, now) for now, key in enumerate("abcde")]
    assert [decision.outcome for decision in decisions] == [
        "send",
        "send",
        "notice",
        "capped",
        "capped",
    ]
    assert limiter.decide("f", HOUR) == Decision(Outcome.SEND, capped=3)


def test_a_notice_tells_of_repetitions() -> None:
    limiter = Limiter(repeat_after=60, max_per_hour=1)
    limiter.decide("a", 0)
    limiter.decide("a", 1)
    assert limiter.decide("b", 2) == Decision(Outcome.NOTICE, {"a": 1})


def test_what_the_cap_held_back_is_no_repetition_later() -> None:
    limiter = Limiter(repeat_after=2 * HOUR, max_per_hour=1)
    limiter.decide("a", 0)
    assert limiter.decide("b", 1).outcome is Outcome.NOTICE
    assert limiter.decide("b", HOUR) == Decision(Outcome.SEND, capped=1)


def test_a_notice_can_go_out_at_time_zero() -> None:
    limiter = Limiter(repeat_after=0, max_per_hour=1)
    assert [limiter.decide("a", 0).outcome for _ in range(3)] == ["send", "notice", "capped"]


ALERTS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.floats(0, HOUR / 2) | st.floats(0, 10)), max_size=60
)


def model(alerts: list[tuple[str, float]], repeat_after: float, max_per_hour: int) -> list[Outcome]:
    """What becomes of each alert, found by looking through everything that went before."""
    history: list[tuple[str, float, Outcome]] = []
    for key, now in alerts:
        sent = [(k, t) for k, t, outcome in history if outcome is Outcome.SEND]
        if any(k == key and now - t < repeat_after for k, t in sent):
            outcome = Outcome.REPEATED
        elif sum(now - t < HOUR for _, t in sent) < max_per_hour:
            outcome = Outcome.SEND
        elif any(o is Outcome.NOTICE and now - t < HOUR for _, t, o in history):
            outcome = Outcome.CAPPED
        else:
            outcome = Outcome.NOTICE
        history.append((key, now, outcome))
    return [outcome for _, _, outcome in history]


@given(
    steps=ALERTS,
    repeat_after=st.sampled_from([0.0, 1.0, 600.0, HOUR, 3 * HOUR]),
    max_per_hour=st.integers(1, 6),
)
def test_it_does_what_the_model_does_and_loses_no_count(
    steps: list[tuple[str, float]], repeat_after: float, max_per_hour: int
) -> None:
    now, alerts = 0.0, []
    for key, step in steps:
        now += step
        alerts.append((key, now))
    limiter = Limiter(repeat_after, max_per_hour)
    decisions = [limiter.decide(key, now) for key, now in alerts]
    outcomes = [decision.outcome for decision in decisions]
    assert outcomes == model(alerts, repeat_after, max_per_hour)

    last_sent = max((i for i, o in enumerate(outcomes) if o is Outcome.SEND), default=0)
    last_told = max((i for i, o in enumerate(outcomes) if o in ("send", "notice")), default=0)
    repeated = Counter(
        key for (key, _), o in zip(alerts[:last_told], outcomes, strict=False) if o == "repeated"
    )
    assert sum((Counter(d.repeated) for d in decisions), Counter()) == repeated
    assert sum(d.capped for d in decisions) == sum(
        o in ("capped", "notice") for o in outcomes[:last_sent]
    )


@pytest.mark.parametrize("max_per_hour", [1, 5])
def test_what_it_remembers_is_bounded(max_per_hour: int) -> None:
    limiter = Limiter(repeat_after=10, max_per_hour=max_per_hour)
    for number in range(10_000):
        limiter.decide(f"unique {number}", number)
    assert len(limiter._sent) + len(limiter._sent_by_key) <= 2 * max_per_hour

"""Sums over pods that start again, come and go, against the sum of what really happened."""

from hypothesis import given
from hypothesis import strategies as st

from rollout.figures import Counts, Reading
from rollout.tally import Tally


def reading(requests: int, started: float = 1.0) -> Reading:
    return Reading(Counts(requests, 0, requests, 0), started)


def tally(*looks: dict[str, Reading | None]) -> Tally:
    made = Tally()
    for look in looks:
        made.look(look)
    return made


def test_what_was_counted_before_the_first_look_does_not_count() -> None:
    assert tally({"a": reading(100)}).counts == Counts()
    assert tally({"a": reading(100)}, {"a": reading(103)}).counts.requests == 3


def test_pods_are_added_up() -> None:
    found = tally({"a": reading(1), "b": reading(5)}, {"a": reading(4), "b": reading(5)})
    assert (found.counts.requests, found.pods, found.restarts) == (3, 2, 0)


def test_a_process_that_started_again_counts_from_its_start() -> None:
    found = tally({"a": reading(9)}, {"a": reading(2, 2.0)}, {"a": reading(3, 2.0)})
    assert (found.counts.requests, found.restarts) == (3, 1)


def test_a_counter_that_fell_tells_of_a_new_start_too() -> None:
    found = tally({"a": reading(9)}, {"a": reading(4)})
    assert (found.counts.requests, found.restarts) == (4, 1)


def test_a_process_that_overtook_the_one_before_it_is_told_by_its_start() -> None:
    found = tally({"a": reading(9)}, {"a": reading(20, 2.0)})
    assert (found.counts.requests, found.restarts) == (20, 1)


def test_a_pod_that_does_not_answer_for_a_while_is_the_same_afterwards() -> None:
    found = tally({"a": reading(1)}, {"a": None}, {"a": None}, {"a": reading(8)})
    assert (found.counts.requests, found.restarts) == (7, 0)


def test_a_pod_that_is_gone_keeps_what_it_had_and_its_address_may_be_anothers() -> None:
    found = tally({"a": reading(1)}, {"a": reading(3)}, {"b": reading(50)}, {"a": reading(7, 2.0)})
    assert (found.counts.requests, found.restarts, found.pods) == (2, 0, 1)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=3, max_size=3)),
)
def test_nothing_is_lost_but_what_a_dying_process_answered_unseen(
    steps: list[list[tuple[int, bool]]],
) -> None:
    """Each step every pod may start again, and then answers some more."""
    seen, started, expected, restarts = [0, 0, 0], [1.0, 1.0, 1.0], 0, 0
    looks: list[dict[str, Reading | None]] = [{str(pod): reading(0) for pod in range(3)}]
    for step in steps:
        for pod, (answered, again) in enumerate(step):
            if again:
                seen[pod], started[pod], restarts = 0, started[pod] + 1, restarts + 1
            seen[pod] += answered
            expected += answered
        looks.append({str(pod): reading(seen[pod], started[pod]) for pod in range(3)})
    found = tally(*looks)
    assert (found.counts.requests, found.restarts) == (expected, restarts)

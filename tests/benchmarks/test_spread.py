from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import spread
from benchmarks.load import Load
from benchmarks.results import Results, Visit
from benchmarks.spread import Spread

RATES = st.lists(st.integers(1, 10**6), min_size=1, max_size=9)


def results(**throughput: Sequence[int]) -> Results:
    """Results of one model, of so many answers in a second by server, round after round."""
    visits = [
        Visit(number, "m", server, loads=(Load(8, 1.0, rate, 0.001, 0.002),))
        for server, rates in throughput.items()
        for number, rate in enumerate(rates, start=1)
    ]
    return Results({}, {}, {}, visits=visits)


def test_nothing_has_no_spread() -> None:
    assert Spread.of([]) is None


@given(RATES)
def test_the_median_lies_between_the_least_and_the_most(rates: list[int]) -> None:
    found = spread.figures(results(a=rates), "m", "a", spread.throughput(8))
    assert found is not None
    assert (found.least, found.most) == (min(rates), max(rates))
    assert found.least <= found.median <= found.most


@given(RATES, st.integers(1, 50))
def test_ratios_are_taken_within_rounds(rates: list[int], factor: int) -> None:
    both = results(a=[factor * rate for rate in rates], b=rates)
    found = spread.ratios(both, "m", ("a", "b"), spread.throughput(8))
    assert found is not None
    assert found.least == found.median == found.most == pytest.approx(factor)


def test_a_round_that_one_of_them_missed_does_not_count() -> None:
    found = spread.ratios(results(a=[10, 20, 30], b=[10]), "m", ("a", "b"), spread.throughput(8))
    assert found == Spread(1, 1, 1)


def test_a_visit_with_a_problem_has_no_figures() -> None:
    found = results(a=[10])
    found.visits.append(Visit(2, "m", "a", problem="it ended"))
    assert spread.figures(found, "m", "a", spread.throughput(8)) == Spread(10, 10, 10)


def test_a_server_that_answered_nothing_has_no_ratio() -> None:
    assert spread.ratios(results(a=[10], b=[0]), "m", ("a", "b"), spread.throughput(8)) is None


def test_a_latency_that_is_incomplete_has_no_ratio() -> None:
    both = results(a=[100], b=[3])
    assert spread.ratios(both, "m", ("a", "b"), spread.p99(8)) == Spread(1, 1, 1)
    assert spread.ratios(both, "m", ("a", "b"), spread.complete_p99(8)) is None

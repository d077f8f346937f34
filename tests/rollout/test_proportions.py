"""Intervals: published values, their laws, and how often they hold the truth."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from rollout.proportions import Share, difference, needed

shares = st.integers(1, 5000).flatmap(
    lambda total: st.builds(Share, st.integers(0, total), st.just(total))
)
levels = st.sampled_from([0.8, 0.95, 0.99])


# Newcombe (1998), table II, examples (a) to (h), method 10.
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        (Share(56, 70), Share(48, 80), 0.0524, 0.3339),
        (Share(9, 10), Share(3, 10), 0.1705, 0.8090),
        (Share(6, 7), Share(2, 7), 0.0582, 0.8062),
        (Share(5, 56), Share(0, 29), -0.0381, 0.1926),
        (Share(0, 10), Share(0, 20), -0.1611, 0.2775),
        (Share(0, 10), Share(0, 10), -0.2775, 0.2775),
        (Share(10, 10), Share(0, 20), 0.6791, 1.0),
        (Share(10, 10), Share(0, 10), 0.6075, 1.0),
    ],
)
def test_the_published_differences(first: Share, second: Share, low: float, high: float) -> None:
    found = difference(first, second, 0.95)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(shares, shares, levels)
def test_turned_round_the_difference_changes_its_sign(
    first: Share, second: Share, level: float
) -> None:
    there, back = difference(first, second, level), difference(second, first, level)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert -1 - 1e-9 <= there.low <= there.value <= there.high <= 1 + 1e-9


@pytest.mark.parametrize("second", [Share(0, 40), Share(3, 40), Share(40, 40)])
def test_with_each_count_both_bounds_rise(second: Share) -> None:
    found = [difference(Share(count, 60), second, 0.95) for count in range(61)]
    for one, next_one in pairwise(found):
        assert one.low < next_one.low
        assert one.high < next_one.high or one.high == pytest.approx(1)


@given(st.floats(0.001, 0.5), levels)
def test_as_many_as_are_needed_show_that_a_margin_is_kept_and_one_fewer_do_not(
    margin: float, level: float
) -> None:
    n = needed(margin, level)
    other = Share(0, 10**6)
    assert difference(Share(0, n), other, level).high <= margin + 1e-12
    assert difference(Share(0, n - 1), other, level).high > margin


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.05])
def test_canaries_worse_by_the_margin_are_seldom_taken_for_good(rate: float) -> None:
    """Summed over all outcomes: at most 2.5 % of them, as is meant."""
    n, margin = 500, 0.01
    taken = sum(
        binom.pmf(a, n, rate + margin) * binom.pmf(b, n, rate)
        for b in range(int(binom.ppf(1 - 1e-6, n, rate)) + 1)
        for a in _within_margin(b, n, margin)
    )
    assert taken <= 0.025


def _within_margin(production: int, n: int, margin: float) -> range:
    count = 0
    while difference(Share(count, n), Share(production, n), 0.95).high <= margin:
        count += 1
    return range(count)


def test_of_nothing_nothing_is_known() -> None:
    found = Share(0, 0).estimate(0.95)
    assert (found.value, found.low, found.high) == (0, 0, 1)
    assert math.isclose(difference(Share(0, 0), Share(0, 0), 0.95).high, 1)

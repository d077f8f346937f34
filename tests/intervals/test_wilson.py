"""Wilson's interval: published values, scipy's, and its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from intervals.wilson import Estimate, mean_share, proportion, quantile

counts = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.8, 0.95, 0.99])


@given(counts, levels)
def test_the_interval_is_scipys(counted: tuple[int, int], level: float) -> None:
    theirs = binomtest(*counted).proportion_ci(level, method="wilson")
    ours = proportion(*counted, level)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= ours.low <= ours.value <= ours.high <= 1


def test_the_interval_is_the_published_one() -> None:
    # Newcombe (1998), Statist. Med. 17:857, table I, method 3.
    estimate = proportion(81, 263, 0.95)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)


def test_of_nothing_nothing_is_known() -> None:
    assert proportion(0, 0, 0.95) == Estimate(0.0, 0.0, 1.0)


@given(st.floats(0, 1), st.integers(1, 10_000), levels)
def test_no_mean_is_tenable_beyond_the_bounds(mean: float, trials: int, level: float) -> None:
    """The bounds are where the distance from the mean is z standard errors, as Wilson has it."""
    found = mean_share(mean, trials, level)
    assert 0 <= found.low <= found.value == mean <= found.high <= 1
    for bound in (found.low, found.high):
        reached = norm.ppf((1 + level) / 2) ** 2 * bound * (1 - bound) / trials
        assert (mean - bound) ** 2 == pytest.approx(reached, abs=1e-12)


@given(st.floats(0.01, 0.999))
def test_the_quantile_is_two_sided(level: float) -> None:
    assert quantile(0.95) == pytest.approx(1.959964)
    assert quantile(level) == pytest.approx(norm.ppf((1 + level) / 2))

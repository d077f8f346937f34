"""The interval of what callers say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from api.audit.ratings import LEVEL, Rating


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_the_interval_is_scipys(counts: tuple[int, int]) -> None:
    images, right = counts
    expected = binomtest(right, images).proportion_ci(LEVEL, method="wilson")
    rating = Rating("a" * 64, images, right)
    assert rating.interval == pytest.approx((expected.low, expected.high))
    assert 0 <= rating.interval[0] <= rating.accuracy <= rating.interval[1] <= 1
    assert tuple(rating.figures) == ("low", "accuracy", "high")

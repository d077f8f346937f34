"""How long the sender waits between tries."""

from hypothesis import given
from hypothesis import strategies as st

from process.backoff import Backoff


@given(st.integers(1, 5000), st.floats(0.001, 10), st.floats(10, 1000))
def test_delays_double_up_to_the_longest(failures: int, first: float, longest: float) -> None:
    delay = Backoff(first, longest).delay(failures)
    ceiling = min(longest, first * 2 ** min(failures - 1, 64))
    assert ceiling / 2 <= delay <= ceiling


def test_delays_differ() -> None:
    assert len({Backoff(first=2, longest=300).delay(1) for _ in range(10)}) == 10

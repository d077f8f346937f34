from hypothesis import given
from hypothesis import strategies as st

from api.backoff import Backoff


@given(st.integers(1, 10**6))
def test_delays_double_up_to_the_longest_with_half_of_them_at_random(failures: int) -> None:
    ceiling = min(60, 2 ** min(failures - 1, 10))
    assert ceiling / 2 <= Backoff(first=1, longest=60).delay(failures) <= ceiling

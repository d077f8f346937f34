"""Which epoch is the best, and when an attempt has had enough of them."""

import math

from hypothesis import given
from hypothesis import strategies as st

from training.history import History

losses = st.lists(st.floats(0, 100), min_size=1, max_size=30)


def history(values: list[float]) -> History:
    result = History()
    for value in values:
        result = result.after({"loss": 2 * value, "val_loss": value})
    return result


@given(losses)
def test_no_epoch_is_better_than_the_best(values: list[float]) -> None:
    best = history(values).best
    assert values[best] == min(values)
    assert values.index(min(values)) == best


@given(losses)
def test_its_metrics_are_those_of_one_epoch(values: list[float]) -> None:
    metrics = history(values).best_metrics
    assert metrics == {"loss": 2 * min(values), "val_loss": min(values)}


@given(losses, st.integers(1, 40), st.integers(1, 10))
def test_it_is_over_after_all_epochs_or_without_patience(
    values: list[float], epochs: int, patience: int
) -> None:
    so_far = history(values)
    waited = len(values) - 1 - so_far.best
    assert so_far.is_over(epochs, patience) == (len(values) >= epochs or waited >= patience)


def test_it_is_not_over_before_it_began() -> None:
    assert len(History()) == 0
    assert not History().is_over(epochs=1, patience=1)


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    assert history([math.nan, 3.0, 2.0, math.nan]).best == 2
    assert history([math.nan, math.nan]).best == 0

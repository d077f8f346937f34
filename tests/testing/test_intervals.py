import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support

from testing.intervals import (
    Estimate,
    f1,
    images_needed,
    macro,
    paired_difference,
    proportion,
    quantile,
    ratio,
)

LEVEL = 0.95


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[int, int, int]:
    """How many images are won and lost, of how many."""
    images = draw(st.integers(1, 2000))
    lost = draw(st.integers(0, images))
    return draw(st.integers(0, images - lost)), lost, images


def covered(interval: Estimate, truth: float) -> bool:
    return interval.low <= truth <= interval.high


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_inside_0_and_1_and_holds_its_value(counts: tuple[int, int]) -> None:
    estimate = proportion(*counts, LEVEL)
    assert -1e-12 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1 + 1e-12


def test_wilson_interval_is_the_published_one() -> None:
    # Newcombe (1998), Statist. Med. 17:857, table I, method 3.
    estimate = proportion(81, 263, LEVEL)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)


def test_nothing_counted_says_nothing() -> None:
    assert proportion(0, 0, LEVEL) == Estimate(0.0, 0.0, 1.0)
    assert f1(0, 0, 0, LEVEL) == Estimate(0.0, 0.0, 1.0)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_f1_is_the_harmonic_mean_inside_its_interval(hits: int, alarms: int, misses: int) -> None:
    estimate = f1(hits, alarms, misses, LEVEL)
    expected = float(ratio(2 * hits, 2 * hits + alarms + misses))
    assert estimate.value == pytest.approx(expected)
    assert estimate.low <= estimate.value + 1e-12
    assert estimate.value <= estimate.high + 1e-12


def test_perfect_f1_keeps_an_honest_lower_bound() -> None:
    assert 0.9 < f1(50, 0, 0, LEVEL).low < 1


def test_macro_averages_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth, answer = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    answer[answer == 3] = 0  # a class that is never answered
    confusion = np.zeros((4, 4), np.int64)
    np.add.at(confusion, (truth, answer), 1)
    found = [estimate.value for estimate in macro(confusion, LEVEL)]
    expected = precision_recall_fscore_support(truth, answer, average="macro", zero_division=0)
    assert found == pytest.approx(expected[:3])
    assert found[2] == pytest.approx(f1_score(truth, answer, average="macro"))


def test_macro_intervals_are_the_same_each_time() -> None:
    confusion = np.array([[8, 1], [2, 9]])
    assert macro(confusion, LEVEL) == macro(confusion, LEVEL)


def test_macro_interval_of_a_perfect_model_does_not_collapse() -> None:
    for estimate in macro(np.diag([10, 10, 10]), LEVEL):
        assert estimate.value == estimate.high == 1
        assert 0.8 < estimate.low < 0.99


@pytest.mark.parametrize(("classes", "images", "accuracy"), [(3, 100, 0.9), (5, 60, 0.99)])
def test_macro_intervals_hold_the_truth_as_often_as_they_say(
    classes: int, images: int, accuracy: float
) -> None:
    truth = np.full((classes, classes), (1 - accuracy) / (classes - 1))
    np.fill_diagonal(truth, accuracy)  # precision, recall and F1 of every class: `accuracy`
    draws = np.random.default_rng(2).multinomial(images, truth.ravel() / classes, size=100)
    held = [
        [covered(estimate, accuracy) for estimate in macro(draw.reshape(classes, -1), LEVEL)]
        for draw in draws
    ]
    # 88 of 100 is below 95 by three standard errors.
    assert np.sum(held, axis=0).min() >= 88


def test_bonett_and_price_interval_by_hand() -> None:
    # 5 of 359 lost, none won: p = 6/361 and 1/361.
    centre = -5 / 361
    width = 1.959964 * math.sqrt((7 / 361 - centre**2) / 361)
    estimate = paired_difference(0, 5, 359, LEVEL)
    assert estimate.value == pytest.approx(-5 / 359)
    assert estimate.low == pytest.approx(centre - width, abs=1e-6)
    assert estimate.high == pytest.approx(centre + width, abs=1e-6)
    assert estimate.low == pytest.approx(-0.0281, abs=1e-4)


@given(outcomes(), st.floats(0.5, 0.99))
def test_paired_interval_is_ordered_and_within_bounds(
    outcome: tuple[int, int, int], level: float
) -> None:
    estimate = paired_difference(*outcome, level)
    assert -1 <= estimate.low < estimate.high <= 1


@given(outcomes(), st.floats(0.5, 0.99))
def test_paired_interval_is_symmetric(outcome: tuple[int, int, int], level: float) -> None:
    won, lost, images = outcome
    one, other = (
        paired_difference(won, lost, images, level),
        paired_difference(lost, won, images, level),
    )
    assert one.value == pytest.approx(-other.value)
    assert one.low == pytest.approx(-other.high)


@given(outcomes(), st.floats(0.5, 0.99))
def test_every_lost_image_lowers_the_bound(outcome: tuple[int, int, int], level: float) -> None:
    won, lost, images = outcome
    bound = paired_difference(won, lost, images, level).low
    if won + lost < images:
        assert paired_difference(won, lost + 1, images, level).low <= bound + 1e-12
    if won > 0:
        assert paired_difference(won - 1, lost, images, level).low <= bound + 1e-12


def test_no_images_compare_to_nothing() -> None:
    assert paired_difference(0, 0, 0, LEVEL) == Estimate(0.0, -1.0, 1.0)


@pytest.mark.parametrize(
    ("p_won", "p_lost", "images"),
    [(0.01, 0.01, 359), (0.005, 0.02, 359), (0.05, 0.03, 150), (0.1, 0.1, 60)],
)
def test_paired_interval_holds_the_truth_as_often_as_it_says(
    p_won: float, p_lost: float, images: int
) -> None:
    rng = np.random.default_rng(3)
    draws = rng.multinomial(images, [p_won, p_lost, 1 - p_won - p_lost], size=2000)
    held = [
        covered(paired_difference(won, lost, images, LEVEL), p_won - p_lost)
        for won, lost, _ in draws.tolist()
    ]
    assert 0.94 <= np.mean(held) <= 0.99


@given(st.floats(0.001, 0.5), st.floats(0.5, 0.99))
def test_images_needed_is_where_an_identical_model_begins_to_pass(
    margin: float, level: float
) -> None:
    needed = images_needed(margin, level)
    assert paired_difference(0, 0, needed, level).low > -margin
    if needed > 1:
        # Equality may fall on either side of rounding.
        assert paired_difference(0, 0, needed - 1, level).low <= -margin + 1e-12


def test_defaults_need_137_images() -> None:
    assert images_needed(0.02, LEVEL) == 137


def test_quantile_is_two_sided() -> None:
    assert quantile(0.95) == pytest.approx(1.959964)

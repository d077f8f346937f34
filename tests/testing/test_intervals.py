import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import f1_score, precision_recall_fscore_support

from intervals.wilson import Estimate
from testing.intervals import f1, images_needed, images_to_show, macro, paired_difference, ratio

LEVEL = 0.95


@st.composite
def outcomes(draw: st.DrawFn) -> tuple[int, int, int]:
    """How many images are won and lost, of how many."""
    images = draw(st.integers(1, 2000))
    lost = draw(st.integers(0, images))
    return draw(st.integers(0, images - lost)), lost, images


def covered(interval: Estimate, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def test_nothing_counted_says_nothing() -> None:
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


@pytest.mark.parametrize(
    ("won", "lost", "images", "level", "low", "high"),
    [
        # Fagerland, Lydersen and Laake (2014), Statist. Med. 33:2850, table V
        (1, 7, 21, 0.95, -0.517, -0.026),
        # R, contingencytables: Tango_asymptotic_score_CI_paired_2x2 of 59, 6, 16 and 80
        (6, 16, 161, 0.95, -0.1240, -0.0054),
        # R, PropCIs 0.3-0: scoreci.mp(25, 28, 618, 0.90)
        (28, 25, 618, 0.90, -0.0148, 0.0247),
    ],
)
def test_paired_interval_is_the_published_one(
    won: int, lost: int, images: int, level: float, low: float, high: float
) -> None:
    estimate = paired_difference(won, lost, images, level)
    digits = len(str(high).rpartition(".")[2])
    assert estimate.value == (won - lost) / images
    assert (round(estimate.low, digits), round(estimate.high, digits)) == (low, high)


def test_paired_interval_without_discordant_images_by_hand() -> None:
    # T(d) = n |d| / sqrt(n (|d| - d²)) = z at |d| = z² / (n + z²).
    bound = 1.959964**2 / (359 + 1.959964**2)
    estimate = paired_difference(0, 0, 359, LEVEL)
    assert (estimate.low, estimate.high) == pytest.approx((-bound, bound), abs=1e-7)


def test_paired_interval_of_all_images_by_hand() -> None:
    # T(d) = n (1 - d) / sqrt(n (1 - d) (1 + d)) = z at d = (n - z²) / (n + z²).
    bound = (20 - 1.959964**2) / (20 + 1.959964**2)
    assert paired_difference(20, 0, 20, LEVEL) == Estimate(1.0, pytest.approx(bound), 1.0)
    assert paired_difference(0, 20, 20, LEVEL) == Estimate(-1.0, -1.0, pytest.approx(-bound))


@given(outcomes(), st.floats(0.5, 0.99))
def test_paired_interval_holds_its_value(outcome: tuple[int, int, int], level: float) -> None:
    estimate = paired_difference(*outcome, level)
    assert estimate.low <= estimate.value <= estimate.high


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
    assert (one.value, one.low, one.high) == (-other.value, -other.high, -other.low)


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


WON = [0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]  # the true part of images won


def least_won(images: int, margin: float) -> list[int]:
    """For no, one and more lost images, how many must be won for the bound to lie above -margin."""
    needed, won = [], 0  # it grows with the images that are lost
    for lost in range(images + 1):
        while won + lost <= images and paired_difference(won, lost, images, LEVEL).low <= -margin:
            won += 1
        if won + lost > images:
            break
        needed.append(won)
    return needed


def passing(needed: list[int], images: int, won: float, lost: float) -> float:
    """The exact chance of a model, which wins and loses such parts of all images, to pass."""
    numbers = np.arange(len(needed))
    enough = binom.sf(np.array(needed) - 1, images - numbers, won / (1 - lost))
    return float((binom.pmf(numbers, images, lost) * enough).sum())


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("more", [0, 5, 20, 60, 170])
def test_a_model_worse_by_the_margin_passes_in_at_most_29_of_1000_cases(
    margin: float, more: int
) -> None:
    images = images_needed(margin, LEVEL) + more
    needed = least_won(images, margin)
    assert max(passing(needed, images, won, won + margin) for won in WON) <= 0.029


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("images", [26, 54, 137, 359])
def test_a_model_worse_by_the_margin_rarely_passes_on_any_number_of_images(
    margin: float, images: int
) -> None:
    needed = least_won(images, margin)
    assert max(passing(needed, images, won, won + margin) for won in WON) <= 0.029


def test_an_equal_model_passes_more_often_the_more_images_there_are() -> None:
    chances = [passing(least_won(n, 0.02), n, 0.005, 0.005) for n in (200, 400, 800)]
    assert chances == sorted(chances)
    assert chances[-1] > 0.9


@given(st.floats(0.001, 0.5), st.floats(0.5, 0.99))
def test_images_needed_is_where_an_identical_model_begins_to_pass(
    margin: float, level: float
) -> None:
    needed = images_needed(margin, level)
    assert paired_difference(0, 0, needed, level).low > -margin
    if needed > 1:
        # Equality may fall on either side of rounding.
        assert paired_difference(0, 0, needed - 1, level).low <= -margin + 1e-12


def test_defaults_need_189_images() -> None:
    assert images_needed(0.02, LEVEL) == 189


@pytest.mark.parametrize(("margin", "disagreement"), [(0.02, 0.05), (0.05, 0.2)])
def test_that_many_images_show_nine_of_ten_equal_models(margin: float, disagreement: float) -> None:
    rng = np.random.default_rng(0)
    images = images_to_show(margin, LEVEL, disagreement)
    each = disagreement / 2
    draws = rng.multinomial(images, [each, each, 1 - disagreement], 400).tolist()
    shown = sum(paired_difference(w, n, images, LEVEL).low > -margin for w, n, _ in draws)
    assert 0.84 < shown / len(draws) < 0.95


def test_models_that_agree_take_no_more_images_than_identical_ones() -> None:
    assert images_to_show(0.02, LEVEL, 0) == images_needed(0.02, LEVEL)

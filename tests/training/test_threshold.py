"""A chosen threshold keeps what it promises, or there is none."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from training import threshold

ANSWERS = st.integers(1, 300).flatmap(
    lambda count: st.tuples(
        npst.arrays(np.float32, count, elements=st.floats(0.125, 1, width=32)),
        npst.arrays(np.bool_, count),
    )
)
Answers = tuple[npt.NDArray[np.floating], npt.NDArray[np.bool_]]


def graded(count: int, seed: int) -> Answers:
    """Answers that are right as often as they are confident: 0.5 to 1."""
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.5, 1, count)
    return confidence, generator.random(count) < confidence


def test_it_is_0_if_all_answers_are_good_enough() -> None:
    confidence, _ = graded(threshold.images_needed(0.95), 0)
    assert threshold.choose(confidence, np.ones(len(confidence), bool), 0.95) == 0
    assert threshold.choose(confidence[1:], np.ones(len(confidence) - 1, bool), 0.95) is None


def test_it_lies_where_the_mistakes_end() -> None:
    confidence = np.linspace(0.2, 1, 2000)
    chosen = threshold.choose(confidence, confidence > 0.4, 0.95)
    # A quarter is wrong: of the coverages that are tried 0.65 and 0.5 are good enough.
    assert chosen == pytest.approx(1 - 0.65 * 0.8, abs=0.001)


def test_there_is_none_if_confidence_says_nothing() -> None:
    confidence, _ = graded(2000, 0)
    assert threshold.choose(confidence, np.arange(2000) % 5 > 0, 0.95) is None


def test_there_is_none_for_too_few_images() -> None:
    assert threshold.choose(np.ones(10), np.ones(10, bool), 0.95) is None


@pytest.mark.parametrize("count", [150, 1000])
@pytest.mark.parametrize("target", [0.78, 0.8])
def test_the_accepted_are_seldom_less_accurate_than_asked_for(count: int, target: float) -> None:
    """Right as often as confident: above a threshold t the true accuracy is (t + 1) / 2."""
    chosen = [threshold.choose(*graded(count, seed), target) for seed in range(200)]
    missed = [t for t in chosen if t is not None and (max(t, 0.5) + 1) / 2 < target]
    assert len(missed) <= 0.05 * len(chosen)
    assert count < 1000 or sum(t is not None for t in chosen) > 0.9 * len(chosen)


@given(ANSWERS, st.floats(0.1, 0.99))
def test_a_lower_target_never_takes_a_higher_threshold(answers: Answers, target: float) -> None:
    strict, lax = (threshold.choose(*answers, t) for t in (target, target / 2))
    assert (math.inf if lax is None else lax) <= (math.inf if strict is None else strict)


@given(ANSWERS)
def test_the_curve_begins_with_everything_and_falls(answers: Answers) -> None:
    confidence, right = answers
    curve = threshold.curve(confidence, right)
    first, thresholds = curve[0], [point.threshold for point in curve]
    assert (first.threshold, first.coverage) == (0, 1)
    assert first.accuracy == pytest.approx(right.mean())
    assert len(curve) <= threshold.POINTS
    assert thresholds == sorted(set(thresholds))
    coverages = [point.coverage for point in curve]
    assert coverages == sorted(coverages, reverse=True)
    for point in curve:
        accepted = right[confidence >= point.threshold]
        assert point.coverage == len(accepted) / len(right) > 0
        assert point.accuracy == pytest.approx(accepted.mean())


def test_certain_answers_stay_accepted_on_another_device() -> None:
    curve = threshold.curve(np.ones(100), np.ones(100, bool))
    assert curve[-1].threshold < 1


def test_nothing_accepted_has_no_accuracy() -> None:
    assert threshold.share(np.full(4, 0.5), np.ones(4, bool), 0.75) == (0, None)

"""A temperature makes confidence agree with accuracy, and never changes an answer."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.special import softmax

from training import calibration

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]


def answers(
    count: int, temperature: float, classes: int = 4, seed: int = 0
) -> tuple[Floats, Labels]:
    """Answers whose logits are too large by the factor ``temperature``, and the truth."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.5, (count, classes))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    labels = (generator.random((count, 1)) > chances).sum(axis=1)
    return softmax(logits * temperature, axis=1).astype(np.float32), labels.clip(0, classes - 1)


def test_the_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.85, 0.15], [0.45, 0.55]])
    # (0.8, 0.9] holds 0.9 right and 0.85 wrong, (0.7, 0.8] 0.8 right, (0.5, 0.6] 0.55 wrong.
    expected = (abs(0.9 + 0.85 - 1) + abs(0.8 - 1) + 0.55) / 4
    labels = np.array([0, 1, 1, 0])
    assert calibration.expected_error(probabilities, labels) == pytest.approx(expected)


def test_confident_and_right_has_no_error() -> None:
    assert calibration.expected_error(np.eye(3), np.arange(3)) == 0
    assert calibration.expected_error(np.eye(3), (np.arange(3) + 1) % 3) == 1


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_is_found_again(true: float) -> None:
    assert calibration.fit(*answers(20_000, true)) == pytest.approx(true, rel=0.05)


@pytest.mark.parametrize("true", [0.5, 2.5])
def test_it_lowers_the_error_on_other_images(true: float) -> None:
    fitted, judged = answers(300, true), answers(5000, true, seed=1)
    temperature = calibration.fit(*fitted)
    assert calibration.objection(*fitted, temperature) == ""
    before = calibration.expected_error(*judged)
    after = calibration.expected_error(calibration.tempered(judged[0], temperature), judged[1])
    assert before > 0.1
    assert after < before / 2


def test_what_is_calibrated_is_mostly_left_alone() -> None:
    """By chance alone 1 % of calibrated networks gain as much in likelihood."""
    scaled = 0
    for seed in range(200):
        found = answers(200, 1, seed=seed)
        scaled += calibration.objection(*found, calibration.fit(*found)) == ""
    assert scaled <= 8


def test_too_few_images_are_refused() -> None:
    found = answers(calibration.FEWEST_IMAGES - 1, 4)
    assert "too few" in calibration.objection(*found, calibration.fit(*found))


def test_answers_without_a_mistake_are_refused() -> None:
    probabilities, _ = answers(200, 1)
    labels = probabilities.argmax(axis=1)
    temperature = calibration.fit(probabilities, labels)
    assert temperature == pytest.approx(calibration.BOUNDS[0], rel=0.01)
    assert "answered rightly" in calibration.objection(probabilities, labels, temperature)


def test_a_likelier_temperature_that_calibrates_worse_is_refused() -> None:
    """Sure of some answers of which a few have wrong labels, and too little sure of the others."""
    sure = np.arange(1000) < 500
    classes = np.arange(1000) % 10
    probabilities = np.where(sure, 1e-6, 0.4 / 9)[:, np.newaxis].repeat(10, axis=1)
    probabilities[np.arange(1000), classes] = np.where(sure, 1 - 9e-6, 0.6)
    wrong = np.arange(1000) % np.where(sure, 10, 4) == 0
    labels = np.where(wrong, (classes + 1) % 10, classes)
    temperature = calibration.fit(probabilities, labels)
    assert temperature > 1.2
    assert "would raise" in calibration.objection(probabilities, labels, temperature)


@given(
    npst.arrays(np.float32, (20, 5), elements=st.floats(-30, 30, width=32)),
    npst.arrays(np.int64, 20, elements=st.integers(0, 4)),
)
def test_the_fit_is_within_bounds_and_at_least_as_likely(logits: Floats, labels: Labels) -> None:
    probabilities = softmax(logits.astype(np.float64), axis=1).astype(np.float32)
    temperature = calibration.fit(probabilities, labels)
    low, high = calibration.BOUNDS
    assert low <= temperature <= high

    def loss(scaled: Floats) -> float:
        return float(-np.log(scaled[np.arange(20), labels]).mean())

    one = loss(calibration.tempered(probabilities, 1))
    assert loss(calibration.tempered(probabilities, temperature)) <= one + 1e-3


@given(
    npst.arrays(np.float32, (10, 4), elements=st.floats(-20, 20, width=32)),
    st.floats(*calibration.BOUNDS),
)
def test_no_answer_changes(logits: Floats, temperature: float) -> None:
    probabilities = softmax(logits.astype(np.float64), axis=1)
    scaled = calibration.tempered(probabilities, temperature)
    rows = np.arange(10)
    assert (scaled[rows, probabilities.argmax(axis=1)] >= scaled.max(axis=1) * (1 - 1e-12)).all()
    assert scaled.sum(axis=1) == pytest.approx(1)

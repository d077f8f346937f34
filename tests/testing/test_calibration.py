"""How often the check of calibration errs, on answers whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from testing import verdict
from testing.calibration import Calibration, by_chance, measure
from testing.scoring import Labels, Probabilities

LIMIT, LEVEL = 0.02, 0.95


def answers(images: int, seed: int, temperature: float = 1.0) -> tuple[Labels, Probabilities]:
    """Labels drawn from calibrated probabilities, which are then made surer by a temperature."""
    rng = np.random.default_rng(seed)
    logits = 4 * rng.normal(size=(images, 10))
    truth = softmax(logits)
    labels = (truth.cumsum(axis=1) < rng.random((images, 1))).sum(axis=1).clip(0, 9)
    return labels, softmax(temperature * logits).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def refused(images: int, temperature: float, times: int = 20) -> int:
    """How many of so many models, each surer than it should be by a temperature, are refused."""
    found = [measure(*answers(images, seed, temperature), LEVEL) for seed in range(times)]
    return sum(not verdict.calibrated(each, LIMIT).passed for each in found)


@pytest.mark.parametrize("images", [50, 350])
def test_calibrated_models_pass(images: int) -> None:
    assert refused(images, 1.0) <= 1


@pytest.mark.parametrize("temperature", [2.0, 4.0])
def test_wrong_temperatures_are_found_with_as_many_images_as_the_digits(
    temperature: float,
) -> None:
    assert refused(350, temperature) >= 19


def test_a_model_that_is_righter_than_sure_passes() -> None:
    assert refused(350, 0.4) == 0
    timid = measure(np.zeros(300, int), np.tile(np.array([0.9, 0.1], np.float32), (300, 1)), LEVEL)
    assert timid.ece == pytest.approx(0.1, abs=1e-6)
    assert timid.bold == timid.excess == 0


def test_boldness_is_not_made_up_for_by_timidity() -> None:
    """Half the answers are righter than sure, by as much as the others are surer than right."""
    probabilities = np.repeat(np.array([[0.85, 0.15], [0.75, 0.25]], np.float32), 500, axis=0)
    labels = np.r_[np.zeros(500, int), np.arange(500) % 10 > 5]
    found = measure(labels, probabilities, LEVEL)
    assert found.right > found.confidence - 1e-6
    assert found.bold == pytest.approx(0.075, abs=1e-6)
    assert not verdict.calibrated(found, LIMIT).passed


def test_chance_explains_most_of_a_calibrated_models_error() -> None:
    found = [measure(*answers(200, seed), LEVEL) for seed in range(40)]
    assert np.mean([each.ece for each in found]) > 0.03  # though every one is calibrated
    assert sum(each.excess == 0 for each in found) >= 34


def test_chance_explains_less_of_more_images() -> None:
    confidence = np.full(3000, 0.8)
    bounds = [by_chance(confidence[:images], LEVEL)[0] for images in (30, 300, 3000)]
    assert bounds == sorted(bounds, reverse=True)
    # One bin holds them all: the error is the distance of a mean of 300 from 0.8.
    assert bounds[1] == pytest.approx(1.96 * np.sqrt(0.8 * 0.2 / 300), rel=0.12)
    # Of one side only, which luck takes it to half as often.
    bold = by_chance(confidence[:300], LEVEL)[1]
    assert bold == pytest.approx(1.645 * np.sqrt(0.8 * 0.2 / 300), rel=0.08)


def test_the_threshold_splits_coverage_from_accuracy() -> None:
    labels = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.9, 0.1], [0.75, 0.25], [0.4, 0.6], [0.7, 0.3]], np.float32)
    found = measure(labels, probabilities, LEVEL, threshold=0.75)
    assert found.coverage.value == 0.5
    assert found.accuracy
    assert found.accuracy.value == 1
    assert [(p.coverage, p.accuracy) for p in found.curve] == [
        (0.25, 1.0),
        (0.5, 1.0),
        (0.75, pytest.approx(2 / 3)),
        (1.0, 0.5),
    ]
    assert measure(labels, probabilities, LEVEL, threshold=0.95).accuracy is None


def test_equal_confidences_are_accepted_together() -> None:
    probabilities = np.tile(np.array([0.8, 0.2], np.float32), (6, 1))
    [point] = measure(np.array([0, 0, 0, 1, 0, 0]), probabilities, LEVEL).curve
    assert (point.coverage, point.accuracy) == (1.0, pytest.approx(5 / 6))


@pytest.fixture
def found() -> Calibration:
    return measure(*answers(100, 0), LEVEL)


def test_the_limit_itself_is_allowed(found: Calibration) -> None:
    at = replace(found, bold=0.5, bold_chance=0.25)
    assert verdict.calibrated(at, 0.25).passed
    check = verdict.calibrated(at, 0.2)
    assert not check.passed
    assert "surer than it is right" in check.sentence
    assert "GATE_MAX_ECE" in check.sentence

import numpy as np
import pytest

from classifier.calibration import BINS, bin_numbers, expected_error


def test_the_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    # Two answers are 0.05 too timid, two are 0.05 too bold.
    assert expected_error(confidence, np.array([True, True, True, False])) == pytest.approx(0.05)


def test_gaps_of_one_bin_cancel_and_those_of_two_do_not() -> None:
    right = np.array([True, False])
    assert expected_error(np.array([0.51, 0.49]), right) == pytest.approx(0.49)
    assert expected_error(np.array([0.52, 0.58]), right) == pytest.approx(0.05)


def test_calibrated_answers_have_a_small_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 20_000)
    assert expected_error(confidence, rng.random(20_000) < confidence) < 0.02
    assert expected_error(confidence, np.zeros(20_000, bool)) > 0.5


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    edges = np.linspace(0, 1, BINS + 1)
    assert bin_numbers(edges).tolist() == [0, *range(BINS)]
    assert bin_numbers(np.nextafter(edges[:-1], 1)).tolist() == list(range(BINS))

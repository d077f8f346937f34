"""The golden example tells a model from another, and forgives what devices differ by."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from classifier import golden
from classifier.errors import GoldenMismatch
from classifier.load import load
from classifier.runtime import Classifier

PIXELS = np.random.default_rng(7).integers(0, 256, (128, 128, 3), np.uint8)


@pytest.fixture(scope="module")
def classifier(make_model: Callable[..., Path]) -> Classifier:
    return load(make_model())


@pytest.fixture
def answer(classifier: Classifier) -> npt.NDArray[np.float32]:
    return classifier.predict(PIXELS[np.newaxis])[0]


def test_its_own_answer_passes(classifier: Classifier, answer: npt.NDArray[np.float32]) -> None:
    golden.check(classifier, PIXELS, answer.tolist())


def test_the_difference_between_devices_passes(
    classifier: Classifier, answer: npt.NDArray[np.float32]
) -> None:
    golden.check(classifier, PIXELS, (answer + 0.9 * golden.TOLERANCE).tolist())


def test_a_larger_difference_is_refused(
    classifier: Classifier, answer: npt.NDArray[np.float32]
) -> None:
    with pytest.raises(GoldenMismatch, match=r"differs by 0\.03"):
        golden.check(classifier, PIXELS, (answer + 0.03).tolist())


def test_another_class_on_top_is_refused(
    classifier: Classifier, answer: npt.NDArray[np.float32]
) -> None:
    with pytest.raises(GoldenMismatch, match="answered with class"):
        golden.check(classifier, PIXELS, np.roll(answer, 1).tolist())


def test_another_number_of_classes_is_refused(classifier: Classifier) -> None:
    with pytest.raises(GoldenMismatch, match="belongs to another model"):
        golden.check(classifier, PIXELS, [0.5, 0.5])


@pytest.mark.parametrize("extreme", [np.argmin, np.argmax])
def test_nan_is_refused(
    classifier: Classifier,
    answer: npt.NDArray[np.float32],
    extreme: Callable[[npt.NDArray[np.float32]], int],
) -> None:
    """Of NaN on top, argmax says that the right class is on top."""
    expected = answer.copy()
    expected[extreme(answer)] = np.nan
    with pytest.raises(GoldenMismatch):
        golden.check(classifier, PIXELS, expected.tolist())


def test_another_model_is_refused(
    make_model: Callable[..., Path], answer: npt.NDArray[np.float32]
) -> None:
    with pytest.raises(GoldenMismatch):
        golden.check(load(make_model(seed=1)), PIXELS, answer.tolist())

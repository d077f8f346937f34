"""The built-in data are scikit-learn's digits, enlarged."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from images.dataset import Dataset
from images.digits import load


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load()


def test_there_are_1797_images_of_ten_classes(digits: Dataset) -> None:
    assert digits.images.shape == (1797, 128, 128, 3)
    assert digits.images.dtype == np.uint8
    assert digits.classes == tuple("0123456789")
    assert digits.labels.tolist() == load_digits().target.tolist()
    assert digits.labels.dtype == np.int64
    assert (digits.names[0], digits.names[-1]) == ("digits/0000", "digits/1796")
    assert (digits.source, digits.skipped) == ("digits", ())


def test_they_are_grey_and_use_the_whole_range(digits: Dataset) -> None:
    assert (digits.images[..., :1] == digits.images).all()
    assert (digits.images.min(), digits.images.max()) == (0, 255)


def test_each_looks_like_its_original(digits: Dataset) -> None:
    shrunk = digits.images[..., 0].reshape(-1, 8, 16, 8, 16).mean(axis=(2, 4)) / 255 * 16
    for image, original in zip(shrunk, load_digits().images, strict=True):
        assert np.corrcoef(image.ravel(), original.ravel())[0, 1] > 0.95


def test_no_two_are_equal_and_they_never_change(digits: Dataset) -> None:
    assert len(set(digits.digests)) == 1797
    assert digits.fingerprint == (
        "b3bae089e3f88abb079460b491b3fde565ea4ca9a0b95def759744fbd5c602aa"
    )

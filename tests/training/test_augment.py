"""Augmentation changes images within its bounds, and the same way for the same seed."""

import numpy as np
import numpy.typing as npt
import pytest

from training.augment import augment
from training.settings import TrainSettings

STILL = {"shift": 0, "zoom": 0, "rotation": 0, "brightness": 0}


def augmented(
    images: npt.NDArray[np.uint8], seed: int = 0, **strengths: float
) -> npt.NDArray[np.uint8]:
    settings = TrainSettings(**STILL | strengths)
    result: npt.NDArray[np.uint8] = augment(images, np.array([seed, 0]), settings).numpy()
    return result


def noise(count: int = 3) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 128, 128, 3), np.uint8)


def dot(row: int, column: int, count: int = 50) -> npt.NDArray[np.uint8]:
    images = np.zeros((count, 128, 128, 3), np.uint8)
    images[:, row - 4 : row + 4, column - 4 : column + 4] = 255
    return images


def centres(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The centre of the light in each image, float64[N, 2], in pixels."""
    light = images[..., 0].astype(np.float64)
    total = light.sum(axis=(1, 2))
    places = np.arange(128)
    rows, columns = light.sum(axis=2) @ places / total, light.sum(axis=1) @ places / total
    return np.stack([rows, columns], axis=1)


def test_without_strength_nothing_changes() -> None:
    np.testing.assert_array_equal(augmented(noise()), noise())


def test_equal_seeds_change_equally() -> None:
    strengths = {"shift": 0.1, "zoom": 0.1, "rotation": 10, "brightness": 0.2}
    once, again = (augmented(noise(), 5, **strengths) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert (augmented(noise(), 6, **strengths) != once).any()


def test_the_images_of_a_batch_change_differently() -> None:
    moved = centres(augmented(dot(64, 64), shift=0.1))
    assert len(np.unique(moved.round(3), axis=0)) > 40


def test_a_shift_stays_within_its_bound() -> None:
    moved = centres(augmented(dot(64, 64), shift=0.1)) - centres(dot(64, 64))
    assert np.abs(moved).max() <= 12.8
    assert np.abs(moved).max() > 8


def test_a_rotation_keeps_the_centre_and_stays_within_its_bound() -> None:
    # A dot 40 pixels right of the centre goes round it.
    offset = centres(augmented(dot(64, 104), rotation=30)) - 63.5
    assert np.hypot(*offset.T) == pytest.approx(40, abs=0.5)
    angles = np.degrees(np.arctan2(offset[:, 0], offset[:, 1]))
    assert np.abs(angles).max() <= 31
    assert np.abs(angles).max() > 20


def test_a_zoom_goes_from_the_centre_and_stays_within_its_bound() -> None:
    offset = (centres(augmented(dot(64, 104), zoom=0.2)) - 63.5)[:, 1]
    assert (offset >= 40 / 1.2 - 0.5).all()
    assert (offset <= 40 / 0.8 + 0.5).all()
    assert np.ptp(offset) > 8


def test_brightness_stays_within_its_bound_and_range() -> None:
    grey = np.full((50, 128, 128, 3), 100, np.uint8)
    changed = augmented(grey, brightness=0.3)
    assert changed.min() >= 69
    assert changed.max() <= 130
    assert augmented(np.full_like(grey, 255), brightness=0.3).max() == 255


def test_geometry_invents_no_colours() -> None:
    grey = np.full((10, 128, 128, 3), 77, np.uint8)
    assert np.ptp(augmented(grey, shift=0.3, zoom=0.3, rotation=90)) <= 1

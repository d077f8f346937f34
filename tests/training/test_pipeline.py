"""An epoch's batches are those of its number, whoever makes them and when."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from images.dataset import Dataset
from images.folder import read
from training.pipeline import FEWEST_STEPS, Pipeline
from training.settings import TrainSettings

Epoch = list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]
Settings = Callable[..., TrainSettings]
STILL = {"shift": 0, "zoom": 0, "rotation": 0, "brightness": 0}


@pytest.fixture(scope="module")
def dataset(colours: Path) -> Dataset:
    return read(colours)


def epoch(pipeline: Pipeline, attempt: int = 0, number: int = 0) -> Epoch:
    return list(pipeline.epoch(attempt, number).as_numpy_iterator())


def test_an_epoch_is_the_same_again(dataset: Dataset, settings: Settings) -> None:
    first, second = (epoch(Pipeline(dataset, settings()), 1, 3) for _ in range(2))
    for (images, labels), (other_images, other_labels) in zip(first, second, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


@pytest.mark.parametrize(("seed", "attempt", "number"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_other_epochs_differ(
    dataset: Dataset, settings: Settings, seed: int, attempt: int, number: int
) -> None:
    one = epoch(Pipeline(dataset, settings()))
    other = epoch(Pipeline(dataset, settings(seed=seed)), attempt, number)
    assert (one[0][0] != other[0][0]).any()


def test_each_image_comes_once_with_its_label(dataset: Dataset, settings: Settings) -> None:
    pipeline = Pipeline(dataset, settings(**STILL))
    batches = epoch(pipeline)
    assert len(batches) == pipeline.steps == len(dataset) // 4
    known = {
        image.tobytes(): label
        for image, label in zip(dataset.images, dataset.labels.tolist(), strict=True)
    }
    seen = {
        image.tobytes(): label
        for images, labels in batches
        for image, label in zip(images, labels.tolist(), strict=True)
    }
    assert seen == known


@pytest.mark.parametrize("count", [1, 2, 7, 90])
def test_a_small_set_is_gone_through_several_times(
    dataset: Dataset, settings: Settings, count: int
) -> None:
    pipeline = Pipeline(dataset.select(list(range(count))), settings(batch_size=8))
    batches = epoch(pipeline)
    assert len(batches) == pipeline.steps >= FEWEST_STEPS
    assert all(len(images) == 8 for images, _ in batches)


def test_pixels_and_labels_keep_their_types(dataset: Dataset, settings: Settings) -> None:
    images, labels = epoch(Pipeline(dataset, settings()))[0]
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert images.shape == (4, 128, 128, 3)

"""Wrong labels and alien images are found by what a network makes of each image."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from images import digits
from images.dataset import Dataset
from images.decode import resize
from registry.card import DataFinding
from tests.images.files import noise
from training import suspects

FLIPPED = 50
ALIENS = 10


@pytest.fixture(scope="module")
def whole() -> Dataset:
    return digits.load()


def seeing(*layers: keras.Layer) -> keras.Model:
    """A network of these layers below its answer."""
    return keras.Sequential(
        [
            keras.Input((128, 128, 3), dtype="uint8"),
            *layers,
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """One to which a digit is its 16 x 16 cells, so that it can learn no label by heart."""
    return seeing(keras.layers.Rescaling(1 / 255), keras.layers.AveragePooling2D(8))


def findings(network: keras.Model, dataset: Dataset) -> dict[str, DataFinding]:
    return {finding.name: finding for finding in suspects.check(network, dataset)}


def test_most_of_fifty_flipped_labels_are_listed_and_little_else(
    network: keras.Model, whole: Dataset
) -> None:
    generator = np.random.default_rng(0)
    chosen = generator.choice(len(whole), FLIPPED, replace=False)
    labels = whole.labels.copy()
    labels[chosen] = (labels[chosen] + generator.integers(1, 10, FLIPPED)) % 10
    flipped = {whole.names[index] for index in chosen}
    found = findings(network, replace(whole, labels=labels))["label-errors"]
    listed = set(found.images)
    assert len(listed & flipped) >= 0.8 * FLIPPED
    assert len(listed & flipped) >= 0.8 * len(listed)
    # Only so many are listed, worst first, and all that are suspected are counted.
    assert int(found.sentence.split()[0]) <= 1.5 * FLIPPED


def test_a_sentence_says_what_an_image_looks_like(network: keras.Model, whole: Dataset) -> None:
    some = whole.select(np.arange(300))
    labels = some.labels.copy()
    labels[0] = 7
    classes = ("0\n", *some.classes[1:])
    found = findings(network, replace(some, labels=labels, classes=classes))["label-errors"]
    assert found.sentence.isprintable()
    assert "digits/0000 is labelled 7 and looks like 0" in found.sentence


def test_images_of_another_kind_are_outliers(network: keras.Model, whole: Dataset) -> None:
    some = whole.select(np.arange(600))
    aliens = np.stack([resize(noise(16, 16, seed=seed)) for seed in range(ALIENS)])
    mixed = replace(
        some,
        images=np.concatenate([some.images, aliens]),
        labels=np.append(some.labels, np.arange(ALIENS) % 10),
        names=(*some.names, *(f"alien/{index}" for index in range(ALIENS))),
    )
    images = findings(network, mixed)["outliers"].images
    assert all(name.startswith("alien") for name in images[:ALIENS])
    assert len(images) <= 2 * ALIENS


def test_a_class_too_small_to_outvote_others_is_not_suspected(
    network: keras.Model, whole: Dataset
) -> None:
    rare = np.flatnonzero(whole.labels == 3)[: suspects.FEWEST - 1]
    some = whole.select(np.append(rare, np.flatnonzero(whole.labels != 3)))
    named = findings(network, some)["label-errors"].images
    assert not {whole.names[index] for index in rare} & set(named)


def test_too_few_images_have_no_neighbours(network: keras.Model, whole: Dataset) -> None:
    assert suspects.check(network, whole.select(np.arange(suspects.NEIGHBOURS))) == ()


def test_a_network_that_computes_no_number_finds_nothing(whole: Dataset) -> None:
    broken = seeing(keras.layers.Rescaling(float("nan")), keras.layers.AveragePooling2D(64))
    assert suspects.check(broken, whole.select(np.arange(50))) == ()

"""A classifier answers the same from every thread, for every number of images."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest

from classifier.errors import WrongInput
from classifier.load import load
from classifier.runtime import CHUNK, Classifier
from classifier.tensorflow_runtime import prepare_devices


@pytest.fixture(scope="module")
def classifier(make_model: Callable[..., Path]) -> Classifier:
    return load(make_model())


def noise(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 128, 128, 3), np.uint8)


def test_answers_are_float32_probabilities(classifier: Classifier) -> None:
    answers = classifier.predict(noise(5))
    assert answers.dtype == np.float32
    assert answers.shape == (5, 3)
    assert answers.sum(axis=1) == pytest.approx(1)


def test_read_only_arrays_are_accepted(classifier: Classifier) -> None:
    images = np.frombuffer(bytes(2 * 128 * 128 * 3), np.uint8).reshape(2, 128, 128, 3)
    assert classifier.predict(images).shape == (2, 3)


def test_arrays_that_are_not_contiguous_are_accepted(classifier: Classifier) -> None:
    images = noise(4)
    assert np.array_equal(classifier.predict(images[::2]), classifier.predict(images[::2].copy()))


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1])
def test_any_number_of_images_is_answered(classifier: Classifier, count: int) -> None:
    images = np.broadcast_to(noise(1), (count, 128, 128, 3))
    answers = classifier.predict(images)
    assert answers.shape == (count, 3)
    assert np.allclose(answers, classifier.predict(noise(1)))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((128, 128, 3), np.uint8),
        np.zeros((1, 128, 128, 4), np.uint8),
        np.zeros((1, 3, 128, 128), np.uint8),
        np.zeros((1, 128, 128, 3), np.float32),
        np.zeros((1, 128, 128, 3), np.int8),
    ],
)
def test_other_arrays_are_refused(classifier: Classifier, images: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(WrongInput, match="takes uint8 images"):
        classifier.predict(images)


def test_threads_share_a_classifier(classifier: Classifier) -> None:
    batches = [noise(count) for count in range(1, 9)]
    expected = [classifier.predict(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(classifier.predict, batches * 4))
    for index, answer in enumerate(answers):
        assert np.allclose(answer, expected[index % len(batches)])


def test_a_mixed_precision_model_answers_float32(tmp_path: Path) -> None:
    image = keras.Input((128, 128, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255, dtype="mixed_bfloat16")(image)
    flat = keras.layers.Flatten(dtype="mixed_bfloat16")(scaled)
    model = keras.Model(image, keras.layers.Dense(2, "softmax", dtype="mixed_bfloat16")(flat))
    model.save(tmp_path / "best_model.hdf5")
    assert load(tmp_path / "best_model.hdf5").predict(noise(2)).dtype == np.float32


def test_a_model_with_a_named_output_answers_an_array(tmp_path: Path) -> None:
    image = keras.Input((128, 128, 3), dtype="uint8")
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, {"scores": keras.layers.Dense(2, "softmax")(flat)})
    model.save(tmp_path / "best_model.hdf5")
    assert load(tmp_path / "best_model.hdf5").predict(noise(2)).shape == (2, 2)


def test_devices_are_prepared_once_and_named(classifier: Classifier) -> None:
    assert prepare_devices() == prepare_devices()
    assert classifier.device == next(iter(prepare_devices()), "CPU")


def test_values_load_without_tensorflow() -> None:
    program = "import classifier.labels, classifier.errors, sys; print('tensorflow' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert answer.stdout == b"False\n"

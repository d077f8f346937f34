"""The temperature ends inside the network, and a threshold on the card."""

import logging
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.load import load, load_model
from classifier.tensorflow_runtime import TensorFlowClassifier
from images import SHAPE
from images.dataset import Dataset
from images.folder import read
from training import confidence, network
from training.calibration import BOUNDS, Probabilities, expected_error, tempered
from training.save import save
from training.settings import TrainSettings

COUNT = 200
Settings = Callable[..., TrainSettings]

layers = keras.layers


@pytest.fixture(scope="module")
def part() -> Dataset:
    """Images of one brightness each, of two classes that mix half-way."""
    generator = np.random.default_rng(0)
    brightness = generator.integers(0, 256, COUNT)
    labels = (brightness + generator.normal(0, 60, COUNT) > 128).astype(np.int64)
    images = np.full((COUNT, *SHAPE), brightness.reshape(-1, 1, 1, 1), np.uint8)
    return Dataset("grey", images, labels, ("dark", "light"), tuple(map(str, range(COUNT))))


def answering(*head: keras.layers.Layer) -> keras.Model:
    """A network that looks at the brightness, and is far too sure of what it sees."""
    image = keras.Input(SHAPE, dtype="uint8")
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 25.5, offset=-5)(image))
    x = layers.Dense(2, name="contrast")(x)
    for layer in head:
        x = layer(x)
    model = keras.Model(image, x)
    model.get_layer("contrast").set_weights([np.array([[-1, 1]] * 3), np.zeros(2)])
    head[0].set_weights([np.array([[0.25, -0.25], [-0.25, 0.25]]), *head[0].get_weights()[1:]])
    return model


def overconfident() -> keras.Model:
    return answering(layers.Dense(2, activation="softmax"))


def predict(model: keras.Model, part: Dataset) -> Probabilities:
    return TensorFlowClassifier(model).predict(part.images)


def test_the_temperature_is_in_the_file_and_the_card(
    part: Dataset, settings: Settings, tmp_path: Path
) -> None:
    model = overconfident()
    before = predict(model, part)
    settled = confidence.settle(model, part, settings())
    save(model, tmp_path / "best_model.hdf5")
    after = load(tmp_path / "best_model.hdf5", 2).predict(part.images)

    assert settled.temperature > 2
    np.testing.assert_allclose(after, tempered(before, settled.temperature), atol=1e-5)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
    figures = settled.calibration
    assert figures is not None
    assert figures.images == COUNT
    assert figures.ece_before == pytest.approx(expected_error(before, part.labels))
    assert figures.ece_after == pytest.approx(expected_error(after, part.labels), abs=1e-4)
    assert figures.ece_after < figures.ece_before / 2


def test_settling_twice_changes_next_to_nothing(part: Dataset, settings: Settings) -> None:
    model = overconfident()
    confidence.settle(model, part, settings())
    assert confidence.settle(model, part, settings()).temperature == 1


def test_settling_is_the_same_again(part: Dataset, settings: Settings) -> None:
    first, second = (confidence.settle(overconfident(), part, settings()) for _ in range(2))
    assert first == second


@pytest.fixture(scope="module")
def built() -> keras.Model:
    keras.utils.set_random_seed(1)
    return network.build(5, 1)


@given(st.floats(*BOUNDS))
def test_folding_is_dividing_and_changes_no_answer(built: keras.Model, temperature: float) -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, *SHAPE), np.uint8)
    weights = built.get_weights()
    before = np.asarray(built(images))
    assert confidence.fold(built, temperature)
    after = np.asarray(built(images))
    built.set_weights(weights)
    np.testing.assert_allclose(after, tempered(before, temperature), atol=1e-5)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))


@pytest.mark.parametrize(
    "head",
    [
        lambda: (layers.Dense(2), layers.Softmax()),
        lambda: (layers.Dense(2, use_bias=False), layers.Activation("softmax")),
        lambda: (layers.Dense(2, activation="sigmoid"),),
        lambda: (layers.Dense(2, activation="softmax"),) * 2,  # one layer, used twice
    ],
)
def test_a_head_that_cannot_be_scaled_is_left_alone(
    part: Dataset,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    head: Callable[[], tuple[keras.layers.Layer, ...]],
) -> None:
    model = answering(*head())
    before = predict(model, part)
    settled = confidence.settle(model, part, settings())
    assert settled.temperature == 1
    assert "is not applied" in caplog.text
    np.testing.assert_array_equal(predict(model, part), before)
    assert settled.calibration is not None
    assert settled.calibration.ece_after == settled.calibration.ece_before


def test_a_head_without_bias_is_scaled(part: Dataset, settings: Settings) -> None:
    model = answering(layers.Dense(2, activation="softmax", use_bias=False))
    assert confidence.settle(model, part, settings()).temperature > 2


def test_a_model_from_a_file_is_scaled(
    part: Dataset, settings: Settings, make_model: Callable[..., Path]
) -> None:
    model = load_model(make_model(classes=2))
    before = predict(model, part)
    settled = confidence.settle(model, part, settings())
    assert settled.temperature != 1
    np.testing.assert_allclose(
        predict(model, part), tempered(before, settled.temperature), atol=1e-5
    )


def test_a_threshold_is_chosen(part: Dataset, settings: Settings) -> None:
    model = overconfident()
    settled = confidence.settle(model, part, settings(target_accuracy=0.85))
    figures = settled.calibration
    assert figures is not None
    assert figures.accuracy is not None
    assert figures.reached
    assert 0.5 < settled.threshold < 1
    answers = predict(model, part)
    accepted = answers.max(axis=1) >= settled.threshold
    right = answers.argmax(axis=1) == part.labels
    assert figures.coverage == accepted.mean() < 1
    assert figures.accuracy == right[accepted].mean() > max(0.85, right.mean())
    assert figures.curve[0].threshold == 0


def test_a_given_threshold_is_kept(part: Dataset, settings: Settings) -> None:
    settled = confidence.settle(overconfident(), part, settings(threshold=0.6))
    assert settled.threshold == 0.6
    assert settled.calibration is not None
    assert settled.calibration.reached is None
    assert settled.calibration.coverage < 1


def test_a_target_out_of_reach_is_a_warning_and_no_threshold(
    part: Dataset, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settled = confidence.settle(overconfident(), part, settings(target_accuracy=0.99))
    assert settled.threshold == 0
    assert settled.calibration is not None
    assert settled.calibration.reached is False
    assert "accuracy to 0.99, for which it takes 368 without a mistake" in caplog.text


@pytest.mark.parametrize(("given_threshold", "expected"), [("auto", 0.0), (0.5, 0.5)])
def test_without_images_nothing_is_measured(
    part: Dataset,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    given_threshold: float | str,
    expected: float,
) -> None:
    empty = part.select(np.zeros(COUNT, bool))
    settled = confidence.settle(overconfident(), empty, settings(threshold=given_threshold))
    assert settled == confidence.Confidence(1.0, expected, None)
    assert "the calibration part is empty" in caplog.text


def test_answers_that_are_no_numbers_are_not_measured(
    part: Dataset, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    model = overconfident()
    model.layers[-1].set_weights([np.full((2, 2), np.nan), np.zeros(2)])
    assert confidence.settle(model, part, settings()).calibration is None
    assert "what is no number" in caplog.text


def test_a_few_images_set_no_temperature(
    colours: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    few = read(colours).select(np.arange(12))
    with caplog.at_level(logging.INFO):
        settled = confidence.settle(network.build(3, 1), few, settings())
    assert settled.temperature == 1
    assert "12 calibration images are too few" in caplog.text

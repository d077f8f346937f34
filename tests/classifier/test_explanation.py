"""Explanations point at what the model really goes by, whichever runtime it has."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import numpy.typing as npt
import pytest

from classifier import onnx_runtime
from classifier.explanation import GRID, scaled
from classifier.runtime import Classifier
from classifier.tensorflow_runtime import TensorFlowClassifier
from images import digits
from training import network

TRAINED_ON = 400  # digits
EXPLAINED = 12  # others
DELETED = (20, 40)  # cells of 256

Images = npt.NDArray[np.uint8]
Heat = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A network like training's, which tells most digits."""
    data = digits.load()
    keras.utils.set_random_seed(0)
    made = network.build(len(data.classes), blocks=1)
    made.compile(
        keras.optimizers.Adam(0.003), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    part = slice(TRAINED_ON)
    history = made.fit(
        data.images[part], data.labels[part], batch_size=32, epochs=5, verbose=0
    ).history
    assert history["accuracy"][-1] > 0.9
    return made


@pytest.fixture(scope="module", params=["gradient", "rise"])
def classifier(
    request: pytest.FixtureRequest, model: keras.Model, tmp_path_factory: pytest.TempPathFactory
) -> Classifier:
    if request.param == "gradient":
        return TensorFlowClassifier(model)
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    with warnings.catch_warnings(action="ignore"):  # of what tf2onnx imports
        model.export(path, format="onnx", verbose=False)
    return onnx_runtime.load(path.read_bytes(), "float32", 10)


@pytest.fixture(scope="module")
def images() -> Images:
    return digits.load().images[TRAINED_ON : TRAINED_ON + EXPLAINED]


def without(image: Images, heat: Heat) -> Images:
    """The image with as many of its hottest cells as are deleted, in its mean colour."""
    rank = np.argsort(np.argsort(-heat, axis=None, kind="stable")).reshape(heat.shape)
    rank = np.kron(rank, np.ones((8, 8), int))[..., np.newaxis]
    mean = image.mean((0, 1)).astype(np.uint8)
    return np.stack([np.where(rank < count, mean, image) for count in DELETED])


def test_to_delete_the_hottest_cells_costs_the_class_more_than_to_delete_others(
    classifier: Classifier, images: Images
) -> None:
    """The deletion game of the paper on RISE, against as many random cells."""
    generator = np.random.default_rng(0)
    indices = classifier.predict(images).argmax(1)
    explained, random = np.zeros(len(DELETED)), np.zeros(len(DELETED))
    for image, index in zip(images, indices, strict=True):
        heat = classifier.explain(image, int(index)).heat
        explained += classifier.predict(without(image, heat))[:, index]
        random += classifier.predict(without(image, generator.random((GRID, GRID))))[:, index]
    lost = (random - explained) / len(images)
    assert (lost > 0.3).all(), lost


def test_an_explanation_is_the_same_each_time(classifier: Classifier, images: Images) -> None:
    def explain(_: int) -> bytes:
        return classifier.explain(images[0], 3).heat.tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert len({explain(0), *pool.map(explain, range(4))}) == 1


def test_what_is_checked_ends_it(classifier: Classifier, images: Images) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        classifier.explain(images[0], 3, check)


def test_an_image_of_one_colour_has_nothing_to_point_at(classifier: Classifier) -> None:
    flat = np.full((128, 128, 3), 77, np.uint8)
    assert not classifier.explain(flat, 0).heat.any()


def test_mixed_precision_explains_alike(model: keras.Model, images: Images) -> None:
    """Although gradients of pixels are so small that float16 rounds many of them."""
    mixed = network.build(10, blocks=1, policy="mixed_float16")
    mixed.set_weights(model.get_weights())
    for image in images[:3]:
        heats = [TensorFlowClassifier(each).explain(image, 3).heat for each in (model, mixed)]
        assert np.corrcoef(heats[0].ravel(), heats[1].ravel())[0, 1] > 0.95


def test_heat_is_what_speaks_for_the_class() -> None:
    evidence = np.array([[-2, 0], [0.5, 1.5]], np.float32)
    assert scaled(evidence).tolist() == [[0, 0], [0.333, 1]]
    assert scaled(-np.abs(evidence)).tolist() == [[0, 0], [0, 0]]

"""``python -m benchmarks.large``: publish a model of ResNet-50's size as a candidate for the gate.

Its weights are random, from a seed. Only its batch statistics and its last layer are fitted to the
digits, which takes seconds and gives answers that differ between images: of a network that answers
the same to everything, nobody would see that a server mixes answers up.
"""

import hashlib
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from classifier.load import load
from images import SHAPE
from images.dataset import Dataset
from images.source import load as load_images
from images.split import Split, split
from process.settings import read
from registry.card import Card, Data, Golden
from registry.open import open_registry
from registry.settings import RegistrySettings

SEED = 0
FITTED = 512  # images for the last layer
STATISTICS = 64  # images for the batch statistics
RIDGE = 1.0
SHARPNESS = 20.0  # the regression's 1 for the right class becomes this logit


def build(classes: int) -> keras.Model:
    """ResNet-50 from uint8[N, 128, 128, 3] to probabilities, untrained."""
    keras.utils.set_random_seed(SEED)
    image = keras.Input(SHAPE, dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(image)
    return keras.applications.ResNet50(weights=None, input_tensor=scaled, classes=classes)


def fit_statistics(model: keras.Model, images: npt.NDArray[np.uint8]) -> None:
    """Let every batch normalisation remember the statistics of these images, and no others."""
    layers = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum


def fit_last_layer(model: keras.Model, dataset: Dataset) -> None:
    """Set the last layer's weights by ridge regression of the classes on its inputs."""
    inputs = keras.Model(model.inputs, model.layers[-2].output).predict(dataset.images, verbose=0)
    extended = np.hstack([inputs, np.ones((len(inputs), 1))]).astype(np.float64)
    wanted = SHARPNESS * np.eye(len(dataset.classes))[dataset.labels]
    gram = extended.T @ extended + RIDGE * np.eye(extended.shape[1])
    weights = np.linalg.solve(gram, extended.T @ wanted).astype(np.float32)
    model.layers[-1].set_weights([weights[:-1], weights[-1]])


def card(model: Path, parts: Split) -> Card:
    """A card for the model file that says what a service needs."""
    pixels = parts.validation.images[0]
    answer = load(model).predict(pixels[np.newaxis])[0]
    return Card(
        version=hashlib.sha256(model.read_bytes()).hexdigest(),
        classes=parts.train.classes,
        input_shape=SHAPE,
        input_dtype="uint8",
        threshold=0.0,
        arguments={"seed": SEED},
        data=Data("digits", parts.train.fingerprint, {"train": FITTED}, {}),
        metrics={},
        history={},
        golden=Golden.of(pixels.tobytes(), tuple(answer.tolist())),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code_revision="unknown",
        libraries={"keras": keras.__version__},
    )


def main() -> int:
    """Build, fit and publish to the registry of the environment."""
    parts = split(load_images("digits"))
    train = parts.train.select(np.arange(min(FITTED, len(parts.train))))
    model = build(len(train.classes))
    fit_statistics(model, train.images[:STATISTICS])
    fit_last_layer(model, train)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best_model.hdf5"
        model.save(path, include_optimizer=False)
        open_registry(read(RegistrySettings)).publish(path, card(path, parts), "for a benchmark")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks.large``: publish a model of ResNet-50's size as a candidate for the gate.

Its weights are random, from a seed. Only its batch statistics and its last layer are fitted to the
digits, which takes a minute and was right about 97 % of held-out images: of a network that answers
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

from benchmarks.questions import clearest
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
STATISTICS = 64  # images for the batch statistics
RIDGE = 1000.0  # the best of 1 to 10,000 on held-out images
# What each block adds to what it is given. Close to 0, random blocks leave the image recognisable;
# training begins at 0 for that (https://arxiv.org/abs/1706.02677, section 5.1).
ADDED = 0.2
LAST_IN_BLOCK = "_3_bn"
SHARPNESS = 20.0  # the regression's 1 for the right class becomes this logit


def build(classes: int) -> keras.Model:
    """ResNet-50 from uint8[N, 128, 128, 3] to probabilities, untrained."""
    keras.utils.set_random_seed(SEED)
    image = keras.Input(SHAPE, dtype="uint8", name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(image)
    model = keras.applications.ResNet50(weights=None, input_tensor=scaled, classes=classes)
    for layer in model.layers:
        if layer.name.endswith(LAST_IN_BLOCK):
            layer.gamma.assign(np.full(layer.gamma.shape, ADDED))
    return model


def fit_statistics(model: keras.Model, images: npt.NDArray[np.uint8]) -> None:
    """Let every batch normalisation remember the statistics of these images, and no others."""
    layers = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    model([images], training=True)
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum


def fit_last_layer(model: keras.Model, dataset: Dataset) -> None:
    """Set the last layer's weights by ridge regression of the classes on its inputs."""
    inputs = keras.Model(model.inputs, model.layers[-2].output).predict([dataset.images], verbose=0)
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    extended = np.hstack([(inputs - mean) / deviation, np.ones((len(inputs), 1))])
    wanted = SHARPNESS * np.eye(len(dataset.classes))[dataset.labels]
    gram = extended.T @ extended + RIDGE * np.eye(extended.shape[1])
    weights = np.linalg.solve(gram, extended.T @ wanted)
    kernel = weights[:-1] / deviation[:, np.newaxis]
    model.layers[-1].set_weights([kernel, weights[-1] - mean @ kernel])


def card(model: Path, parts: Split) -> Card:
    """A card for the model file that says what a service needs."""
    answers = load(model).predict(parts.validation.images)
    golden = clearest(answers, 1)[0]  # so that a variant in 8 bits repeats it
    return Card(
        version=hashlib.sha256(model.read_bytes()).hexdigest(),
        classes=parts.train.classes,
        input_shape=SHAPE,
        input_dtype="uint8",
        threshold=0.0,
        arguments={"seed": SEED},
        data=Data("digits", parts.train.fingerprint, {"train": len(parts.train)}, {}),
        metrics={},
        history={},
        golden=Golden.of(
            parts.validation.images[golden].tobytes(), tuple(answers[golden].tolist())
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code_revision="unknown",
        libraries={"keras": keras.__version__},
    )


def main() -> int:
    """Build, fit and publish to the registry of the environment."""
    parts = split(load_images("digits"))
    model = build(len(parts.train.classes))
    fit_statistics(model, parts.train.images[:STATISTICS])
    fit_last_layer(model, parts.train)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best_model.hdf5"
        model.save(path, include_optimizer=False)
        open_registry(read(RegistrySettings)).publish(path, card(path, parts), "for a benchmark")
    return 0


if __name__ == "__main__":
    sys.exit(main())

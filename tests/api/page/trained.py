"""A small model that has really learnt the digits, and is as good as its card says.

Linear discriminant analysis of 8 x 8 means, which takes a moment to learn and no TensorFlow to run.
"""

import functools
import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from classifier import onnx_runtime
from images import Images
from images.digits import load
from images.split import Split, split
from registry.names import VARIANTS
from registry.record import StageState
from registry.store import Registry
from registry.verdict import Variant
from testing.scoring import score
from tests.light_versions import Light
from tests.onnx_models import POOL, like
from tests.registry.samples import verdict

CELLS = 128 // POOL
LEVEL = 0.95  # of the intervals
SHRINKAGE, TEMPERATURE = 0.3, 3.0  # less sure of itself, and as often right
NAMES = (*"01234567", "8 <b>", "9")  # the names of classes are anybody's


def features(images: Images) -> npt.NDArray[np.float64]:
    """The mean of each cell, float64[N, 64], in 0..1."""
    cells = images[..., 0].reshape(-1, CELLS, POOL, CELLS, POOL)
    means: npt.NDArray[np.float64] = cells.mean((2, 4)).reshape(len(images), -1) / 255
    return means


@functools.cache
def parts() -> Split:
    """The digits, of which the held-out ones are for tests to ask about."""
    return split(load())


@functools.cache
def learn() -> tuple[bytes, dict[str, Any]]:
    """The ONNX file of the model, and the gate's figures on it."""
    learnt = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE)
    learnt.fit(features(parts().train.images), parts().train.labels)
    weights = np.repeat(learnt.coef_.T / 3, 3, axis=0) / TEMPERATURE
    bias = learnt.intercept_ / TEMPERATURE
    content = like(weights.astype(np.float32), bias.astype(np.float32)).SerializeToString()
    held_out = parts().held_out
    probabilities = onnx_runtime.load(content, "float32", len(NAMES)).predict(held_out.images)
    return content, asdict(score(held_out.labels, probabilities, NAMES, LEVEL))


def put(registry: Registry, folder: Path) -> StageState:
    """Put the model into production, as the gate does."""
    content, metrics = learn()
    light = Light(NAMES, content)
    path = folder / "best_model.hdf5"
    path.write_bytes(light.model)
    registry.publish(path, light.card, "a test")
    digest = hashlib.sha256(content).hexdigest()
    variant = Variant("float32", True, "alike", digest, len(content), 1.0, 1.0)
    judged = replace(verdict(registry, light.version), variants=(variant,), metrics=metrics)
    registry.add_verdict(judged, {VARIANTS["float32"]: content})
    return registry.promote(light.version, None, "a test")

"""Versions that serve without TensorFlow: a variant made by hand, and a file where the model is.

To the registry a model is any file, and a service that finds a variant does not open it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifier import onnx_runtime
from registry import keys
from registry.card import Card, Golden
from registry.errors import Corrupt
from registry.names import VARIANTS
from registry.open import open_registry
from registry.record import StageState
from registry.settings import RegistrySettings
from registry.store import Registry
from registry.verdict import Variant
from tests.onnx_models import POOL, like
from tests.registry.samples import card, verdict

SHAPE = (1, 128, 128, 3)
FEATURES = (128 // POOL) ** 2 * 3
SURE = 20.0  # the logit of a class above the others
PATIENCE = 120.0  # seconds


@dataclass(frozen=True)
class Light:
    """A version.

    Attributes:
        classes: the names of its classes.
        variant: its ONNX file.
    """

    classes: tuple[str, ...]
    variant: bytes

    @property
    def model(self) -> bytes:
        """What lies where a Keras model would."""
        return "\n".join((*self.classes, hashlib.sha256(self.variant).hexdigest())).encode()

    @property
    def version(self) -> str:
        """Its name in the registry."""
        return hashlib.sha256(self.model).hexdigest()

    @property
    def card(self) -> Card:
        """With the answer to an image as its golden."""
        pixels = np.zeros(SHAPE, np.uint8)
        classifier = onnx_runtime.load(self.variant, "float32", len(self.classes))
        probabilities = tuple(map(float, classifier.predict(pixels)[0]))
        golden = Golden.of(pixels.tobytes(), probabilities)
        return replace(card(self.version), classes=self.classes, threshold=0.0, golden=golden)


def brightest(*classes: str) -> Light:
    """One that names the channel that has most light in it."""
    channels = np.tile(np.eye(3, dtype=np.float32), (FEATURES // 3, 1))
    return _light(classes, channels * SURE / FEATURES, np.zeros(3, np.float32))


def constant(index: int, *classes: str, name: str = "") -> Light:
    """One that gives every image the same class; another one for each name."""
    bias = np.eye(len(classes), dtype=np.float32)[index] * SURE
    return _light(classes, np.zeros((FEATURES, len(classes)), np.float32), bias, name)


def _light(
    classes: Sequence[str],
    weights: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    name: str = "",
) -> Light:
    model = like(weights, bias)
    model.doc_string = name
    return Light(tuple(classes), model.SerializeToString())


def registry_in(folder: Path, url: str = "") -> Registry:
    """A registry that signs, with its keys where a process in the folder looks for them."""
    signing, public = folder / "var/keys/signing.pem", folder / "var/keys/public.pem"
    keys.make(signing, public)
    url = url or f"file:{folder / 'registry'}"
    settings = RegistrySettings(url=url, timeout=PATIENCE, signing_key=signing, public_key=public)
    return open_registry(settings, signing=True)


def put(registry: Registry, light: Light, folder: Path) -> StageState:
    """Put a version into production, as the gate does."""
    approve(registry, light, light.card, folder)
    return promote(registry, light.version)


def approve(registry: Registry, light: Light, card: Card, folder: Path) -> None:
    """Publish a version with a card and a verdict that lets it pass."""
    path = folder / "best_model.hdf5"
    path.write_bytes(light.model)
    registry.publish(path, card, "a test")
    digest = hashlib.sha256(light.variant).hexdigest()
    variant = Variant("float32", True, "alike", digest, len(light.variant), 1.0, 1.0)
    judged = replace(verdict(registry, light.version), variants=(variant,))
    registry.add_verdict(judged, {VARIANTS["float32"]: light.variant})


def promote(registry: Registry, version: str) -> StageState:
    """Put a version that has passed into production, whatever is there."""
    try:
        return registry.promote(version, registry.current("production"), "a test")
    except Corrupt:  # somebody wrote there by hand
        return registry.promote(version, registry.inspect("production"), "a test")

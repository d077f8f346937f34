"""A process that does to accepted mutations what a service would: ``loader.py GENUINE``.

Their numbers come on standard input. It loads each in Keras' safe mode and lets it answer, and
writes a line for each that should not have been accepted. Loading is done once for all files
with the same configuration and shapes, as Keras sees nothing else of a file but the weights.
"""

import hashlib
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import h5py
import keras
import numpy as np

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from tests.classifier.hostile.mutations import mutated

# What Python does in the course of Keras' own computing, and what this process does itself.
HARMLESS = {
    "array.__new__",
    "builtins.id",
    "code.__new__",
    "object.__delattr__",
    "object.__getattr__",
    "object.__setattr__",
    "sys._getframe",
}
EVENTS: list[str] = []


class Content(NamedTuple):
    """What Keras reads of a file."""

    config: str
    weights: list[Any]


def main() -> None:
    logging.disable()
    genuine = Path(sys.argv[1])
    expected = described(load(genuine))
    images = np.stack([np.full((128, 128, 3), value, np.uint8) for value in (0, 127, 255)])
    models: dict[object, keras.Model] = {}
    seen: set[bytes] = set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best_model.hdf5"
        sys.addaudithook(note)
        for number in map(int, sys.stdin):
            path.write_bytes(mutated(genuine.read_bytes(), number))
            EVENTS.clear()
            content = read(path)
            digest = hashlib.sha256(content.config.encode())
            for value in content.weights:
                digest.update(value.tobytes())
            if digest.digest() in seen:
                continue
            seen.add(digest.digest())
            key = (content.config, *(value.shape for value in content.weights))
            fault = ""
            if key not in models:
                models[key] = load(path)
                if described(models[key]) != expected:
                    fault = "another architecture"
            models[key].set_weights(content.weights)
            if not np.isfinite(models[key](images)).all():
                fault = "answers that are not finite"
            if EVENTS:
                fault = f"did {EVENTS}"
            if fault:
                sys.stdout.write(f"{number} {fault}\n")
    sys.stdout.write(f"{len(seen)} contents, {len(models)} models\n")


def note(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in HARMLESS:
        EVENTS.append(event)


def load(path: Path) -> keras.Model:
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def described(model: keras.Model) -> object:
    """A model's architecture: its layers, their weights, its input and its output."""
    layers = [(type(layer), layer.name, layer.output.shape) for layer in model.layers]
    weights = [(weight.shape, weight.dtype) for weight in model.weights]
    return layers, weights, model.inputs[0].dtype


def read(path: Path) -> Content:
    with h5py.File(path) as file:
        group = file["model_weights"]
        weights = [
            group[layer][weight][()]
            for layer in group.attrs["layer_names"]
            for weight in group[layer].attrs["weight_names"]
        ]
        return Content(file.attrs["model_config"], weights)


if __name__ == "__main__":
    main()

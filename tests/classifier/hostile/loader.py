"""A process that does to mutations what a service would: ``python -m ... GENUINE``.

Their numbers come on standard input. It loads each in Keras' safe mode and lets it answer, and
writes a line for each that should not have been accepted. Files with the same configuration and
the same shapes are loaded once, and get their weights as loading would give them: Keras sees
nothing else of a file.
"""

import hashlib
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras
import numpy as np

from tests.classifier.hostile.mutations import mutated

# What Python does in the course of Keras' own computing.
HARMLESS = {
    "array.__new__",
    "builtins.id",
    "code.__new__",
    "object.__delattr__",
    "object.__getattr__",
    "object.__setattr__",
    "sys._getframe",
}
IMAGES = np.stack([np.full((128, 128, 3), value, np.uint8) for value in (0, 127, 255)])
EVENTS: list[str] = []
MODELS: dict[object, keras.Model] = {}


class Content(NamedTuple):
    """What Keras reads of a file."""

    config: str
    weights: list[Any]

    @property
    def kind(self) -> object:
        return self.config, *(weight.shape for weight in self.weights)

    @property
    def digest(self) -> bytes:
        whole = hashlib.sha256(repr(self.kind).encode())
        for weight in self.weights:
            whole.update(weight.tobytes())
        return whole.digest()


def main() -> None:
    logging.disable()
    genuine, seen = Path(sys.argv[1]), set[bytes]()
    expected = described(load(genuine))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best_model.hdf5"
        sys.addaudithook(note)
        for number in map(int, sys.stdin):
            path.write_bytes(mutated(genuine.read_bytes(), number))
            EVENTS.clear()
            try:
                found = faults(path, read(path), seen, expected)
            except Exception as error:
                found = [f"does not load or run: {error!r}"]
            for fault in found:
                sys.stdout.write(f"{number} {fault}\n")
    sys.stdout.write(f"{len(seen)} contents, {len(MODELS)} configurations\n")


def faults(path: Path, content: Content, seen: set[bytes], expected: object) -> list[str]:
    """What is wrong with a file that was accepted, if it is not one that was seen before."""
    found: list[str] = []
    if content.digest in seen:
        return found
    seen.add(content.digest)
    if content.kind not in MODELS:
        MODELS[content.kind] = load(path)
        if described(MODELS[content.kind]) != expected:
            found.append("is another architecture")
    MODELS[content.kind].set_weights(content.weights)
    if not np.isfinite(MODELS[content.kind](IMAGES)).all():
        found.append("answers what is not finite")
    if EVENTS:
        found.append(f"did {EVENTS}")
    return found


def note(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in HARMLESS:
        EVENTS.append(event)


def load(path: Path) -> keras.Model:
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def described(model: keras.Model) -> object:
    """A model's architecture: its layers, their weights, its input and its outputs."""
    layers = [(type(layer), layer.name, layer.output.shape) for layer in model.layers]
    weights = [(weight.path, weight.shape, weight.dtype) for weight in model.weights]
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

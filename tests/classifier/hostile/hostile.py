"""How hostile files are made: from a genuine one, by an edit, each with the reason expected."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import keras

Make = Callable[[Path], None]
Config = dict[str, Any]

KERNEL = "model_weights/scores/scores/kernel"


class Hostile(NamedTuple):
    """A way to make a hostile file out of the genuine one, and what is found in it."""

    name: str
    make: Make
    reason: str


class Table(list[Hostile]):
    """A list that functions add themselves to."""

    def __call__(self, reason: str) -> Callable[[Make], Make]:
        def add(make: Make) -> Make:
            self.append(Hostile(make.__name__, make, reason))
            return make

        return add


def make_genuine(path: Path) -> None:
    """Write a small model of the layers that training uses."""
    layers = keras.layers
    image = keras.Input((128, 128, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="scaled")(image)
    x = layers.Conv2D(4, 4, strides=4, use_bias=False, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.MaxPooling2D(4, name="pool")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dropout(0.2, name="drop")(x)
    x = layers.Dense(3, activation="softmax", name="scores")(x)
    keras.Model(image, x, name="small").save(path)


@contextmanager
def edited(path: Path) -> Iterator[Config]:
    """The configuration of the model, which is written back as Keras writes it."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        yield config
        file.attrs["model_config"] = json.dumps(config)


def layer(config: Config, name: str) -> Config:
    """The object of one layer."""
    found: Config = next(part for part in config["config"]["layers"] if part["name"] == name)
    return found


@contextmanager
def settings(path: Path, name: str) -> Iterator[Config]:
    """The settings of one layer."""
    with edited(path) as config:
        yield layer(config, name)["config"]


def replaced(path: Path, name: str, class_name: object, config: Config | None = None) -> None:
    """Put another layer in the place of one without weights."""
    with edited(path) as whole:
        found = layer(whole, name)
        found["class_name"] = class_name
        found["config"] = {"name": name, "trainable": True, **(config or {})}


def tensor(name: str, shape: list[int | None], call: int = 0) -> Config:
    """How a layer's configuration names one of its inputs."""
    inner = {"shape": shape, "dtype": "float32", "keras_history": [name, call, 0]}
    return {"class_name": "__keras_tensor__", "config": inner}

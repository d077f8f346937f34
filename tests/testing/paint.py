"""Images of plain colours, and models that tell them apart or not.

The models are not trained: a dense layer behind the mean colour of an image gets the weights that
make it answer as a test wants.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imsave

COLOURS = {"blue": (30, 30, 200), "green": (30, 200, 30), "red": (200, 30, 30)}
GREY = {"grey": (110, 110, 110)}
CLASSES = tuple(COLOURS)

# From mean red, green and blue to the classes in their order.
RIGHT = np.eye(3)[:, ::-1] * 20
BETTER = RIGHT * 2
BLIND_TO_RED = RIGHT * [1, 1, -1]
BLIND = np.zeros((3, 3))
RIGHT_WITH_GREY = np.c_[RIGHT[:, :2], [7, 7, 7], RIGHT[:, 2]]


def paint(folder: Path, colours: Mapping[str, Sequence[int]], per_class: int = 60) -> Path:
    """A folder of small PNG files, each in shades of its class's colour."""
    rng = np.random.default_rng(0)
    for name, colour in colours.items():
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            shades = np.asarray(colour) + rng.integers(-25, 26, (8, 8, 3))
            imsave(folder / name / f"{number}.png", shades.astype(np.uint8))
    return folder


def model(weights: Any, activation: str = "softmax", before: Sequence[Any] = ()) -> Any:
    """A Keras model with a dense layer of these weights, float[3, classes].

    The layers ``before`` it have no weights.
    """
    import keras

    weights = np.asarray(weights, np.float32)
    made = keras.Sequential(
        [
            keras.Input((128, 128, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            *before,
            keras.layers.Dense(weights.shape[1], use_bias=False, activation=activation),
        ]
    )
    made.set_weights([weights])
    return made

"""Where in an image a model sees the class that it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

GRID = 16  # cells of a heat map, in a row and in a column

Method = Literal["gradient", "rise"]

Check = Callable[[], None]
"""What is called before each call of the model; whatever it raises ends the explanation."""


@dataclass(frozen=True)
class Explanation:
    """A heat map over an image.

    Attributes:
        method: how it was found.
        index: the number of the class that is explained.
        heat: how much each cell speaks for that class, float64[16, 16]: 1 for the one that does
            most, 0 for those that say nothing or speak against it.
    """

    method: Method
    index: int
    heat: npt.NDArray[np.float64]


def cells(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of each cell, float32[..., 16, 16], of float32[..., 128, 128]."""
    *others, height, width = pixels.shape
    split = pixels.reshape(*others, GRID, height // GRID, GRID, width // GRID)
    means: npt.NDArray[np.float32] = split.mean((-3, -1))
    return means


def scaled(evidence: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Evidence as heat: what speaks for the class, brought to 0..1, in thousandths."""
    heat = np.maximum(evidence.astype(np.float64), 0)
    hottest = heat.max()
    return np.round(heat / hottest, 3) if hottest > 0 else heat


def unchecked() -> None:
    """The check of whoever has time."""

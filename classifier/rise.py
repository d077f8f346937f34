"""Explaining a model by nothing but its answers: RISE.

V. Petsiuk, A. Das and K. Saenko, *RISE: Randomized Input Sampling for Explanation of Black-box
Models*, BMVC 2018, https://arxiv.org/abs/1806.07421: parts of the image are hidden at random, many
times over, and what can be seen whenever the model is sure of the class speaks for it.

In two points this differs. What is hidden takes the image's mean colour instead of black, which
says nothing on black images and much on white ones. And the scores are taken as deviations from
their mean, which moves all of the map by the same but rids it of most of its noise.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from classifier.explanation import GRID, Check

MASKS = 512
PER_CALL = 8  # images, so that whoever else calls the model meanwhile waits for few
COARSE = 7  # cells of a mask, in a row and in a column, before it is enlarged
VISIBLE = 0.5  # of the cells
SEED = 20_180_619

Array: TypeAlias = npt.NDArray[np.float32]
Predict: TypeAlias = Callable[[npt.NDArray[np.uint8]], Array]


def evidence(
    predict: Predict, image: npt.NDArray[np.uint8], index: int, check: Check
) -> npt.NDArray[np.float64]:
    """How much each cell of an image speaks for a class, float64[16, 16].

    The masks are the same for every image and in every process.

    Args:
        predict: from uint8[N, 128, 128, 3] to probabilities, float32[N, classes].
        image: uint8[128, 128, 3].
        index: the number of the class.
        check: called before each call of ``predict``.
    """
    generator = np.random.default_rng(SEED)
    size, _, channels = image.shape
    hidden = image.mean((0, 1), dtype=np.float32)
    difference = (image - hidden).reshape(size, -1)
    hidden_row = np.tile(hidden, size)
    scores, seen = [], []
    for _ in range(MASKS // PER_CALL):
        check()
        rows, coarse, columns = _draw(generator, size)
        masks = _enlarged(rows, coarse, columns.repeat(channels, axis=1))
        masked = np.rint(masks * difference + hidden_row).astype(np.uint8)
        scores.append(predict(masked.reshape(-1, *image.shape))[:, index])
        seen.append(_enlarged(_averaged(rows), coarse, _averaged(columns)))
    score = np.concatenate(scores).astype(np.float64)  # whose mean, if all are equal, is equal too
    weights = (score - score.mean()) / len(score)
    shares = np.concatenate(seen).reshape(len(score), -1)
    found: npt.NDArray[np.float64] = (weights @ shares).reshape(GRID, GRID)
    return found


def _draw(generator: np.random.Generator, size: int) -> tuple[Array, Array, Array]:
    """Masks of coarse cells, and how they are enlarged and shifted by up to one cell.

    Returns:
        rows: float32[PER_CALL, size, COARSE + 2], each cell's share in each row of pixels.
        coarse: float32[PER_CALL, COARSE + 2, COARSE + 2], 1 for cells that are seen.
        columns: as rows.
    """
    corners = COARSE + 2
    coarse = (generator.random((PER_CALL, corners, corners)) < VISIBLE).astype(np.float32)
    shifts = generator.random((2, PER_CALL), np.float32)
    rows, columns = (_interpolation(shift, corners, size) for shift in shifts)
    return rows, coarse, columns


def _interpolation(shifts: Array, corners: int, size: int) -> Array:
    """The weights of bilinear interpolation on a line, float32[len(shifts), size, corners]."""
    place = np.arange(size, dtype=np.float32) * (COARSE / size) + shifts[:, np.newaxis]
    distance = np.abs(place[..., np.newaxis] - np.arange(corners, dtype=np.float32))
    weights: Array = np.maximum(1 - distance, 0)
    return weights


def _enlarged(rows: Array, coarse: Array, columns: Array) -> Array:
    return (rows @ coarse @ columns.transpose(0, 2, 1)).astype(np.float32, copy=False)


def _averaged(weights: Array) -> Array:
    """The same for cells of the heat map instead of pixels."""
    count, size, corners = weights.shape
    averages: Array = weights.reshape(count, GRID, size // GRID, corners).mean(2)
    return averages

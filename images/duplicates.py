"""Near-duplicates: one picture in several files, as saved anew, resized or made lighter.

Two images are near-duplicates if, seen from afar (16x16 cells, each the mean of its pixels) and
with brightness and contrast made equal, they correlate almost fully and differ nowhere by much.
Correlation alone would not do: the two most alike of scikit-learn's digits, two ones, reach 0.996,
and a form that is filled in differently is the same form nearly everywhere.

All pairs are compared, as matrix products: nothing is missed, memory does not grow with the number
of pairs, and up to tens of thousands of images it takes less time than reading their files. What
decides is whole numbers and single operations that IEEE 754 rounds correctly, so that training and
gate, on whatever processors, agree on every pair.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from images.raw import Images

Indices: TypeAlias = npt.NDArray[np.int64]
Cells: TypeAlias = npt.NDArray[np.int32]
Mask: TypeAlias = npt.NDArray[np.bool_]

CELLS = 16  # per side
# JPEG and WebP at quality 30 leave a correlation of 0.993 or more on photographs and textures; a
# tenth more brightness, where that burns out the sky, 0.987.
MIN_CORRELATION = 0.985
# The same copies differ by up to 24 levels in a cell, and no two digits by less than 30.
MAX_DIFFERENCE = 24.0
MAX_CONTRAST_RATIO = 1.3
MAX_BRIGHTNESS_SHIFT = 40  # levels, of a channel's mean
# Standard deviation of the cells, in levels. A flatter image shows too little to be recognised by:
# two sunsets, or what compression leaves of two blank pages, would be the same.
MIN_TEXTURE = 8.0

ROUNDING = 1e-3  # more than products of unit vectors in float32 are wrong by
ROWS = 256  # compared at a time with all others
PAIRS = 1 << 12  # looked at closely at a time


def groups(images: Sequence[Images] | Images) -> Indices:
    """Number images so that near-duplicates, and near-duplicates of these, have the same number.

    Args:
        images: N times uint8[128, 128, 3], of which equal ones only cost time.

    Returns:
        int64[N], from 0.
    """
    seen = _Seen(images)
    group = np.arange(len(images))
    for left, right in _candidates(seen.unit):
        # Among many copies of one picture, nearly all pairs are of a group already.
        apart = group[left] != group[right]
        left, right = seen.confirmed(left[apart], right[apart])
        if len(left):
            group = _joined(group, group[left], group[right])
    return group


class _Seen:
    """Images as seen from afar.

    Attributes:
        unit: float32[N, 768], the cells less the mean of their channel, brought to length 1; zeros
            for an image without texture.
    """

    def __init__(self, images: Sequence[Images] | Images) -> None:
        cells = np.empty((len(images), CELLS**2, 3), np.int32)
        for seen, image in zip(cells, images, strict=True):
            seen[:] = cv2.resize(image, (CELLS, CELLS), interpolation=cv2.INTER_AREA).reshape(-1, 3)
        self._sums = cells.sum(axis=1, dtype=np.int32)
        # Times the number of cells, so that they stay whole.
        centred = cells * CELLS**2 - self._sums[:, None]
        self._centred: Cells = centred.reshape(len(images), 3 * CELLS**2)
        self._length = np.sqrt(_products(self._centred, self._centred))
        self._contrast = self._length / (CELLS**2 * np.sqrt(3 * CELLS**2))
        seen_at_all = self._contrast >= MIN_TEXTURE
        self.unit = np.zeros(self._centred.shape, np.float32)
        self.unit[seen_at_all] = self._centred[seen_at_all] / self._length[seen_at_all, None]

    def confirmed(self, left: Indices, right: Indices) -> tuple[Indices, Indices]:
        """Those of the pairs, given by the indices of their images, that are near-duplicates."""
        for agree in (self._lit_alike, self._nowhere_different, self._correlated):
            kept = agree(left, right)
            left, right = left[kept], right[kept]
        return left, right

    def _lit_alike(self, left: Indices, right: Indices) -> Mask:
        shift = np.abs(self._sums[left] - self._sums[right]).max(axis=1, initial=0)
        ratio = self._contrast[left] / self._contrast[right]
        same_contrast: Mask = (ratio <= MAX_CONTRAST_RATIO) & (ratio >= 1 / MAX_CONTRAST_RATIO)
        same_brightness: Mask = shift <= MAX_BRIGHTNESS_SHIFT * CELLS**2
        return same_contrast & same_brightness

    def _nowhere_different(self, left: Indices, right: Indices) -> Mask:
        """By the contrast that lies between the two."""
        difference = np.abs(self.unit[left] - self.unit[right]).max(axis=1, initial=0)
        levels = np.sqrt(self._contrast[left] * self._contrast[right]) * np.sqrt(3 * CELLS**2)
        alike: Mask = difference * levels <= MAX_DIFFERENCE
        return alike

    def _correlated(self, left: Indices, right: Indices) -> Mask:
        product = _products(self._centred[left], self._centred[right])
        lengths = self._length[left] * self._length[right]
        correlated: Mask = product / lengths >= MIN_CORRELATION
        return correlated


def _candidates(unit: npt.NDArray[np.float32]) -> Iterator[tuple[Indices, Indices]]:
    """All pairs that correlate enough or nearly so, some at a time."""
    for start in range(0, len(unit), ROWS):
        correlation = unit[start : start + ROWS] @ unit[start:].T
        near = np.triu(correlation > MIN_CORRELATION - ROUNDING, k=1)
        left, right = np.nonzero(near)
        for first in range(0, len(left), PAIRS):
            chosen = slice(first, first + PAIRS)
            yield left[chosen] + start, right[chosen] + start


def _products(left: Cells, right: Cells) -> Indices:
    """The scalar product of each row with the one opposite, exactly."""
    products: Indices = np.einsum("ij,ij->i", left, right, dtype=np.int64)
    return products


def _joined(group: Indices, left: Indices, right: Indices) -> Indices:
    """The groups after those numbered ``left`` and ``right`` are made one, pair by pair."""
    links = coo_array((np.ones(len(left), bool), (left, right)), shape=2 * (len(group),))
    joined: Indices = connected_components(links, directed=False)[1].astype(np.int64)
    return joined[group]

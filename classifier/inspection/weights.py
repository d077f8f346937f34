"""Weights as HDF5 stores them: one stretch of plain, finite numbers each, as long as declared."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5d, h5s, h5t

from classifier.inspection.finding import Finding
from classifier.inspection.shapes import Shape

MOST_AXES = 5
BLOCK = 16 << 20  # bytes that are read at once

_NUMBERS = (
    h5t.IEEE_F32LE,
    h5t.IEEE_F16LE,
    h5t.IEEE_F64LE,
    h5t.STD_I64LE,
    h5t.STD_I32LE,
    h5t.STD_U8LE,
)


class Weight(NamedTuple):
    """A weight in the file.

    Attributes:
        path: where it is.
        shape: as stored.
        start: the place of its first byte in the file.
        end: that of the first byte after it.
        lowest: its least value.
        highest: its greatest value.
    """

    path: str
    shape: Shape
    start: int
    end: int
    lowest: float
    highest: float


def read(dataset: h5py.Dataset, path: str, size: int) -> Weight:
    """Check how a weight is stored, and then its values.

    Args:
        dataset: what libhdf5 has of it.
        path: where it is.
        size: the length of the file in bytes.
    """
    shape, start, end = _check_storage(dataset.id, path, size)
    lowest, highest = math.inf, -math.inf
    for block in _blocks(dataset):
        with np.errstate(over="ignore"):  # a float64 may be too large, which makes it infinite
            values = block.astype(np.float32, copy=False)
        least, greatest = float(values.min()), float(values.max())
        if not (math.isfinite(least) and math.isfinite(greatest)):
            raise Finding(f"{path} holds a value that is not finite")
        lowest, highest = min(lowest, least), max(highest, greatest)
    return Weight(path, shape, start, end, lowest, highest)


def check_apart(weights: list[Weight]) -> None:
    """Require that no two share bytes of the file, by which few would stand for many."""
    ordered = sorted(weights, key=lambda weight: weight.start)
    for one, other in itertools.pairwise(ordered):
        if other.start < one.end:
            raise Finding(f"{one.path} and {other.path} share bytes of the file")


def _check_storage(dataset: h5d.DatasetID, path: str, size: int) -> tuple[Shape, int, int]:
    """The shape of a weight, and where in the file it is."""
    created = dataset.get_create_plist()
    if created.get_layout() != h5d.CONTIGUOUS:
        raise Finding(f"{path} is chunked, compact or virtual, not in one piece")
    if created.fill_value_defined() != h5d.FILL_VALUE_DEFAULT:
        raise Finding(f"{path} has a fill value of its own")
    kind = dataset.get_type()
    if kind.committed() or not any(kind.equal(number) for number in _NUMBERS):
        raise Finding(f"{path} is not of a type of numbers that Keras writes")
    shape = _shape(dataset.get_space(), path)
    declared, stored = math.prod(shape) * kind.get_size(), dataset.get_storage_size()
    start = dataset.get_offset()
    if start is None or stored != declared or start + declared > size:
        raise Finding(f"{path} declares {declared} bytes, of which {stored} are stored")
    return shape, start, start + declared


def _shape(space: h5s.SpaceID, path: str) -> Shape:
    kind = space.get_simple_extent_type()
    if kind not in (h5s.SCALAR, h5s.SIMPLE) or space.get_simple_extent_ndims() > MOST_AXES:
        raise Finding(f"{path} has a shape of a kind that weights have not")
    shape = tuple(int(length) for length in space.get_simple_extent_dims())
    if shape != tuple(space.get_simple_extent_dims(True)) or 0 in shape:
        raise Finding(f"{path} has the shape {shape}, which is empty or may grow")
    return shape


def _blocks(dataset: h5py.Dataset) -> Iterator[npt.NDArray[Any]]:
    """All values, in parts small enough to look at."""
    if not dataset.shape:
        yield np.asarray(dataset[()])
        return
    row = math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    step = max(1, BLOCK // row)
    for start in range(0, dataset.shape[0], step):
        yield dataset[start : start + step]

"""The values of a tensor that stand in JSON, in one list or nested."""

from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any


def to_bytes(values: object, shape: Sequence[int]) -> bytes:
    """The values of a tensor as bytes, row by row.

    Args:
        values: whole numbers from 0 to 255, in one list or nested as ``shape`` says.
        shape: the length of each dimension.

    Raises:
        ValueError: they are something else, too many, or too few.
    """
    flat = _flattened(values, shape)
    if len(flat) != prod(shape):
        raise ValueError(f"this shape has {prod(shape):,} values, and these are {len(flat):,}")
    if set(map(type, flat)) != {int}:  # bytes() takes True for 1
        raise ValueError("each value must be a whole number")
    try:
        return bytes(flat)
    except ValueError:
        raise ValueError("each value must be from 0 to 255") from None


def _flattened(values: object, shape: Sequence[int]) -> list[Any]:
    if not isinstance(values, list):
        raise ValueError("the values must be in a list")
    if not values or not isinstance(values[0], list):
        return values
    for length in shape[1:]:
        if any(not isinstance(row, list) or len(row) != length for row in values):
            raise ValueError(f"the values are not nested as {list(shape)}")
        values = list(chain.from_iterable(values))
    return values

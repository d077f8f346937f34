"""What an answer must hold in a place, as whoever answers may put anything there."""

import math
from typing import Any


def string(value: Any) -> str:
    """A text.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    return value


def number(value: Any) -> float:
    """A number that is finite.

    Raises:
        OverflowError, TypeError, ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} is no number")
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return float(value)


def integer(value: Any) -> int:
    """A whole number.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{type(value).__name__} is no whole number")
    return value

"""JSON as Keras writes it, and nothing that parsers disagree about."""

import json
import math
from typing import Any, NoReturn

from classifier.inspection.finding import Finding, shown

# The longest that a network of keras.applications takes is 0.9 MB (NASNetLarge).
LONGEST = 4_000_000  # characters
LONGEST_INTEGER = 18  # digits, which a signed 64-bit integer holds


def parse(text: str, where: str) -> Any:
    """The JSON document ``text``.

    Raises:
        Finding: it is no JSON, or is too long or too deep, or has a key twice in one object, or
            a number that is no 64-bit integer and no finite float.
    """
    if len(text) > LONGEST:
        raise Finding(f"{where} has {len(text)} characters, more than {LONGEST}")
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except RecursionError:
        raise Finding(f"{where} is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise Finding(f"{where} is not JSON as Keras writes it: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shown(twice)} occurs twice in one object")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"the number {text} is not allowed")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {shown(text)} is not finite")
    return value


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > LONGEST_INTEGER:
        raise ValueError(f"the number {shown(text)} is too long")
    return int(text)

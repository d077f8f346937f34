"""What the service says of images."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from client.values import integer, number, string


@dataclass(frozen=True)
class Explanation:
    """Why an image got its class.

    Attributes:
        method: how that was found out, as ``gradient`` or ``rise``.
        index: the number of the class that is explained.
        heat: how much each part of the image speaks for it, 0 to 1: 16 rows of 16.
        overlay: the same over the image, a PNG file of 128 x 128 pixels.
    """

    method: str
    index: int
    heat: tuple[tuple[float, ...], ...] = field(repr=False)
    overlay: bytes = field(repr=False)


@dataclass(frozen=True)
class Prediction:
    """What the model says of one image.

    Attributes:
        label: the name of its class, or ``other`` where the confidence is below the threshold.
        confidence: the probability of the likeliest class, 0 to 1.
        index: the number of that class.
        version: SHA-256 of the model that answered.
        request_id: the request's name in the service's log.
        probabilities: of all classes by name; empty unless asked for.
        explanation: None unless asked for.
    """

    label: str
    confidence: float
    index: int
    version: str
    request_id: str
    probabilities: Mapping[str, float] = field(default_factory=dict)
    explanation: Explanation | None = None


def read(document: Any) -> list[Prediction]:
    """The predictions in the JSON of an answer of ``POST /predict``, in order.

    Raises:
        KeyError, OverflowError, TypeError, ValueError: it is another document.
    """
    data = document["data"]
    version, request_id = string(data["version"]), string(document["request-id"])
    return [_prediction(each, version, request_id) for each in data["predictions"]]


def _prediction(found: Any, version: str, request_id: str) -> Prediction:
    label, explained = string(found["label"]), found.get("explanation")
    probabilities = dict(found.get("probabilities") or {})
    return Prediction(
        label=label,
        confidence=number(found["confidence"]),
        index=integer(found["index"]),
        version=version,
        request_id=request_id,
        probabilities={string(name): number(each) for name, each in probabilities.items()},
        explanation=_explanation(explained) if explained else None,
    )


def _explanation(found: Any) -> Explanation:
    return Explanation(
        method=string(found["method"]),
        index=integer(found["class"]),
        heat=tuple(tuple(map(number, row)) for row in found["heat"]),
        overlay=base64.b64decode(found["overlay"], validate=True),
    )

"""How the command prints a prediction, and whatever else came from elsewhere."""

import json
from typing import Any

from client.predictions import Prediction


def printable(text: str) -> str:
    """A text that neither moves a terminal's cursor nor fails to be encoded."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def as_line(prediction: Prediction, top: int) -> str:
    """The label with its confidence, or the likeliest classes where more than one is asked for.

    Args:
        prediction: with the probabilities, if more than one is asked for.
        top: how many classes.
    """
    ranked = _likeliest(prediction, top) or {prediction.label: prediction.confidence}
    line = ", ".join(f"{name} {probability:.1%}" for name, probability in ranked.items())
    return line if prediction.label in ranked else f"{prediction.label}: {line}"


def as_json(name: str, prediction: Prediction, top: int) -> str:
    """All that is known of an image, on one line.

    Args:
        name: of its file.
        prediction: with what was asked for.
        top: how many classes have their probabilities in it, if these were asked for.
    """
    document: dict[str, Any] = {
        "file": name,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "index": prediction.index,
        "version": prediction.version,
        "request_id": prediction.request_id,
    }
    if prediction.probabilities:
        document["probabilities"] = _likeliest(prediction, top)
    if explanation := prediction.explanation:
        document["explanation"] = {
            "method": explanation.method,
            "index": explanation.index,
            "heat": explanation.heat,
        }
    text = json.dumps(document, ensure_ascii=False)
    return text.encode(errors="backslashreplace").decode()  # \udc80 is how JSON writes it too


def _likeliest(prediction: Prediction, count: int) -> dict[str, float]:
    found = sorted(prediction.probabilities.items(), key=lambda each: each[1], reverse=True)
    return dict(found[:count])

"""How the command prints a prediction."""

import json
from typing import Any

from client.predictions import Prediction


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
    return json.dumps(document, ensure_ascii=False)


def _likeliest(prediction: Prediction, count: int) -> dict[str, float]:
    found = sorted(prediction.probabilities.items(), key=lambda each: each[1], reverse=True)
    return dict(found[:count])

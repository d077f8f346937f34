"""The card that training writes beside a model: what it is, and how it came to be."""

import base64
from dataclasses import dataclass
from typing import Any

from registry.errors import CardDiffers


@dataclass(frozen=True)
class Golden:
    """One image and the answer that training saw for it, for a service to repeat before it serves.

    Attributes:
        image: base64 of the raw pixels, uint8, row-major, RGB, of the card's input shape.
        probabilities: one float per class.
    """

    image: str
    probabilities: tuple[float, ...]

    @classmethod
    def of(cls, pixels: bytes, probabilities: tuple[float, ...]) -> "Golden":
        """The golden example of an image's raw bytes and its probabilities."""
        return cls(base64.b64encode(pixels).decode(), probabilities)

    @property
    def pixels(self) -> bytes:
        """The raw bytes of the image."""
        return base64.b64decode(self.image)


@dataclass(frozen=True)
class DataFinding:
    """Something about the data that a person should look at.

    Attributes:
        name: a short identifier, as ``duplicates`` or ``label-errors``.
        sentence: what was found.
        advice: what to do about it.
        images: the images concerned, by name; those that matter most come first.
    """

    name: str
    sentence: str
    advice: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Data:
    """What a model was trained on.

    Attributes:
        source: the folder, or the name of the built-in data.
        fingerprint: a hash over every image's class and pixels.
        images: the number of images by part of the split: ``train``, ``validation``,
            ``calibration``, ``held_out``.
        per_class: the number of images by class, over all parts.
        skipped: the files that could not be read, by name.
        ambiguous: the images that another class has too, pixel for pixel, by name.
        findings: what else training found in the images.
    """

    source: str
    fingerprint: str
    images: dict[str, int]
    per_class: dict[str, int]
    skipped: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    findings: tuple[DataFinding, ...] = ()


@dataclass(frozen=True)
class CurvePoint:
    """One point of a coverage-accuracy curve.

    Attributes:
        threshold: the least confidence of an answer that is accepted.
        coverage: the share of images with such an answer, above 0.
        accuracy: the share of these answers that are right.
    """

    threshold: float
    coverage: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """What the calibration part said of the model's confidence.

    Attributes:
        images: the number of images that it was measured on.
        ece_before: the expected calibration error as trained (arXiv:1706.04599, 10 bins of equal
            width).
        ece_after: the same with the temperature, on the images that it was fitted to.
        coverage: the share of images that are answered with a class at the card's threshold.
        accuracy: the share of these answers that are right; None if there are none.
        reached: whether the threshold was shown to give the accuracy asked for; None if a person
            chose it.
        curve: coverage and accuracy by threshold, from the lowest threshold to the highest.
    """

    images: int
    ece_before: float
    ece_after: float
    coverage: float
    accuracy: float | None
    reached: bool | None = None
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True)
class Card:
    """Everything about a model but its weights. Written once, with the model.

    Attributes:
        version: SHA-256 of the model file, hexadecimal.
        classes: the class names in the order of the model's outputs.
        input_shape: height, width and channels.
        input_dtype: the dtype of one channel of one pixel.
        threshold: a confidence below it is answered as ``other``; 0 never is.
        arguments: what training was called with.
        data: what it was trained on.
        metrics: the best epoch's metrics on the validation part.
        history: each metric over the epochs of the attempt that was kept.
        golden: an example for the service to repeat.
        created: when, ISO 8601, UTC.
        code_revision: the revision of this code base, or ``unknown``.
        libraries: the versions of what trained it.
        temperature: what the logits were divided by; it is inside the weights, and here for people.
        calibration: how far its confidence can be relied on; None if that was not measured.
    """

    version: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    input_dtype: str
    threshold: float
    arguments: dict[str, Any]
    data: Data
    metrics: dict[str, float]
    history: dict[str, tuple[float, ...]]
    golden: Golden
    created: str
    code_revision: str
    libraries: dict[str, str]
    temperature: float = 1.0
    calibration: Calibration | None = None


def require_same_answers(card: Card, first: Card) -> None:
    """Check that a file answers the same with another card as with its first one.

    Raises:
        CardDiffers: it has other classes, or another threshold.
    """
    for field in ("classes", "threshold"):
        new, old = getattr(card, field), getattr(first, field)
        if new != old:
            raise CardDiffers(
                f"version {card.version} was published before with {field} {old}, which its card "
                f"keeps, and not {new}: train it anew, so that it becomes another file"
            )

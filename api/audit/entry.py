"""What the audit trail says of one request."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from api.holder import Answer
from classifier.labels import Labels
from images import Images

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Answered:
    """One image of a request, and what was said of it.

    Attributes:
        sha256: of the decoded pixels, hexadecimal; the split of training data is by the same hash.
        version: the model that answered.
        index: the number of the likeliest class.
        name: its name.
        label: what was answered, which is ``other`` below the threshold.
        confidence: the probability of the class, 0 to 1.
        pixels: the image, if it is to be kept: uint8[128, 128, 3].
    """

    sha256: str
    version: str
    index: int
    name: str
    label: str
    confidence: float
    pixels: Images | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Entry:
    """A request that was answered.

    Attributes:
        id: unique, and later ones sort after earlier ones.
        request_id: what the caller knows it by; callers may give one to several requests.
        at: when it was answered, with its time zone.
        user_id: who asked; None where nobody has to say.
        method: as HTTP has it.
        path: without the query, quoted.
        status: of the answer.
        milliseconds: from the whole request to its answer.
        answers: one for each image, in the order sent.
    """

    id: str
    request_id: str
    at: datetime
    user_id: int | None
    method: str
    path: str
    status: int
    milliseconds: float
    answers: tuple[Answered, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return 1 + sum(1 if each.pixels is None else 2 for each in self.answers)


def answered(
    images: Images, answers: Sequence[Answer], labels: Labels, keep: bool
) -> tuple[Answered, ...]:
    """What is to be said of images with one answer each.

    Args:
        images: uint8[N, 128, 128, 3].
        answers: what the model says of them.
        labels: what its classes were called in the answer.
        keep: whether their pixels are to be kept.
    """
    return tuple(
        Answered(
            sha256=hashlib.sha256(image.data).hexdigest(),
            version=answer.version,
            index=answer.index,
            name=labels.classes[answer.index],
            label=labels.name(answer.index, answer.confidence),
            confidence=answer.confidence,
            # A copy, or else all of the request's body would stay as long as this image waits.
            pixels=image.copy() if keep else None,
        )
        for image, answer in zip(images, answers, strict=True)
    )


def new_id(at: datetime) -> str:
    """A UUID of version 7 (RFC 9562, 5.7): the milliseconds, their fraction (6.2), and noise.

    So ids sort by time, wherever they are made, and new rows come at the end of an index.
    """
    return f"{first_id(at)}{2 << 62 | secrets.randbits(62):016x}"


def first_id(at: datetime) -> str:
    """What no id of an earlier moment sorts after, and no other id before."""
    microseconds = max(0, (at - EPOCH) // timedelta(microseconds=1))
    milliseconds, rest = divmod(microseconds, 1000)
    return f"{milliseconds:012x}7{rest * 4096 // 1000:03x}"

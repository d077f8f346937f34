"""From files to results, a block at a time, by the means of the service."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from api.batch.places import Item, Place
from api.batch.results import Result, shown
from api.holder import Answer, Snapshot
from images import SHAPE, Images
from images.decode import decode
from images.errors import UnreadableImage


@dataclass(frozen=True)
class Draft:
    """A file that has been read.

    Attributes:
        path: the file, below the source.
        sha256: of its bytes; None if it could not be read.
        reason: why it is no image; None if it is one.
    """

    path: str
    sha256: str | None
    reason: str | None


def prepare(place: Place, items: Iterable[Item]) -> tuple[list[Draft], Images]:
    """Read and decode files, one after another.

    Returns:
        All of them, and the pixels of those that are images, uint8[N, 128, 128, 3].

    Raises:
        Failure: the place cannot be read.
    """
    drafts, pixels = [], []
    for item in items:
        digest = None
        try:
            data = place.read(item)
            digest = hashlib.sha256(data).hexdigest()
            pixels.append(decode(data))
            reason = None
        except UnreadableImage as error:
            reason = str(error)
        drafts.append(Draft(shown(item.name), digest, reason))
    return drafts, np.stack(pixels) if pixels else np.empty((0, *SHAPE), np.uint8)


def answer(
    snapshot: Snapshot, drafts: Sequence[Draft], images: Images, max_batch: int
) -> list[Result]:
    """A result for each file.

    Args:
        snapshot: the model.
        drafts: the files.
        images: the pixels of those without a reason, uint8[N, 128, 128, 3].
        max_batch: the most images in one call of the model.
    """
    batches = (images[at : at + max_batch] for at in range(0, len(images), max_batch))
    answers = (each for batch in batches for each in snapshot.answer([batch]))
    return [
        _result(draft, next(answers) if draft.reason is None else None, snapshot.version)
        for draft in drafts
    ]


def _result(draft: Draft, found: Answer | None, version: str) -> Result:
    index, label, confidence = (
        (found.index, found.label, found.confidence) if found else (None, None, None)
    )
    return Result(draft.path, draft.sha256, index, label, confidence, version, draft.reason)

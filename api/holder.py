"""The model that serves: one immutable snapshot, exchanged in one assignment."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from api.errors import NotReady
from classifier.labels import Labels
from images import Images
from images.raw import from_raw
from registry.card import Card
from registry.record import StageRecord
from registry.verdict import Verdict

if TYPE_CHECKING:  # it brings in TensorFlow, which takes seconds
    from classifier.runtime import Classifier


@dataclass(frozen=True)
class Answer:
    """What the model says of one image.

    Attributes:
        index: the number of the class.
        label: its name, or ``other``.
        confidence: its probability, 0 to 1.
        version: the model that said so.
        labels: the names of its outputs, and the threshold that ``label`` is by.
        probabilities: of each class, float32[classes].
    """

    index: int
    label: str
    confidence: float
    version: str
    labels: Labels = field(repr=False)
    probabilities: npt.NDArray[np.float32] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Snapshot:
    """A model that has passed every check, and all that an answer of it needs.

    Attributes:
        classifier: the model, warm.
        labels: the names of its outputs, and the threshold.
        version: SHA-256 of the model file.
        record: how it came into production; None where a version is pinned.
        since: when this process began to serve it, ISO 8601, UTC.
        card: what training says of the model.
        from_cache: whether the registry could not say what to serve, and this is what served last.
        verdict: what the gate says of it; None if nothing vouches for a verdict.
    """

    classifier: "Classifier"
    labels: Labels
    version: str
    record: StageRecord | None
    since: str
    card: Card
    from_cache: bool = False
    verdict: Verdict | None = None

    def answer(self, images: Sequence[Images]) -> list[Answer]:
        """One answer for each of the images, uint8[1, 128, 128, 3] each."""
        # np.concatenate gives Python's lock away and takes it again for each of them.
        batch = from_raw(b"".join(image.data for image in images))
        return [self._answer(row) for row in self.classifier.predict(batch)]

    def _answer(self, probabilities: npt.NDArray[np.float32]) -> Answer:
        index = int(probabilities.argmax())
        confidence = float(probabilities[index])
        label = self.labels.name(index, confidence)
        return Answer(index, label, confidence, self.version, self.labels, probabilities)


class Holder:
    """Where threads find the model that serves now, and why there is none, if there is none.

    Args:
        threshold: the confidence below which answers are ``other``; None for each card's own.

    Attributes:
        current: the model that serves; None until the first one is ready.
        problem: what last kept a model from serving, a sentence; empty if nothing does.
        swaps: how many times another version came to serve, the first one included.
    """

    def __init__(self, threshold: float | None = None) -> None:
        self._threshold = threshold
        self.current: Snapshot | None = None
        self.problem = "the registry is being asked which model to serve"
        self.swaps = 0
        self._draining = False

    def swap(self, snapshot: Snapshot) -> None:
        """Serve ``snapshot`` from now on; batches in flight finish on the one before it."""
        if self.current is None or self.current.version != snapshot.version:
            self.swaps += 1
        if self._threshold is not None:
            snapshot = replace(snapshot, labels=snapshot.labels.at(self._threshold))
        self.current = snapshot

    def drain(self) -> None:
        """Stop being ready, while requests that have come are still answered."""
        self._draining = True

    def require(self) -> Snapshot:
        """The model that serves.

        Raises:
            NotReady: there is none; the message has the reason.
        """
        snapshot = self.current
        if snapshot is None:
            raise NotReady(f"no model serves yet: {self.problem}")
        return snapshot

    def check_ready(self) -> Snapshot:
        """The model that serves, for as long as new work is welcome.

        Raises:
            NotReady: there is none, or the service is shutting down.
        """
        if self._draining:
            raise NotReady("the service is shutting down")
        return self.require()

    def answer(self, images: Sequence[Images]) -> list[Answer]:
        """One answer for each image, all of them from one snapshot."""
        return self.require().answer(images)

"""The candidate against the model in production, on the same images. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intervals.wilson import Estimate
from testing.intervals import paired_difference

Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images.

    Attributes:
        version: the version in production.
        images: how many images both were asked.
        won: images that only the candidate answers rightly.
        lost: images that only production answers rightly.
        candidate: the candidate's accuracy on them.
        production: production's accuracy on them.
        difference: the candidate's accuracy minus production's, with its paired interval.
    """

    version: str
    images: int
    won: int
    lost: int
    candidate: float
    production: float
    difference: Estimate


@dataclass(frozen=True)
class Answers:
    """What both models say of the held-out images, all three as class names, str[N].

    Names, since the same class may have another number in another model.
    """

    truth: Names
    candidate: Names
    production: Names

    def of(self, classes: Collection[str]) -> "Answers":
        """The answers for the images of some classes."""
        kept = np.isin(self.truth, list(classes))
        return Answers(self.truth[kept], self.candidate[kept], self.production[kept])


def compare(version: str, answers: Answers, level: float) -> Comparison:
    """Count who is right where, and put an interval on the difference.

    Each model answers as it does in service, from all classes that it knows: a candidate that
    mistakes an image for a class new to it has lost that image.
    """
    candidate = answers.candidate == answers.truth
    production = answers.production == answers.truth
    images = len(answers.truth)
    won, lost = int((candidate & ~production).sum()), int((production & ~candidate).sum())
    return Comparison(
        version=version,
        images=images,
        won=won,
        lost=lost,
        candidate=float(candidate.sum()) / max(1, images),
        production=float(production.sum()) / max(1, images),
        difference=paired_difference(won, lost, images, level),
    )

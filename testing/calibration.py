"""Whether the candidate's confidence means what it says, and what its threshold does. Pure.

Few images show an expected calibration error even of a model that is calibrated, as the accuracy
in each bin is a matter of luck. So what is judged is the excess over what luck explains, which
consistency resampling tells: answers that are right as often as their confidence says are drawn,
and their error is measured in the same bins (Bröcker and Smith, 2007; Vaicenavicius et al., 2019,
"Evaluating model calibration in classification", arXiv:1902.06977).

And what is judged is one side of the error, that of answers surer than right. A model that is right
more often than it says misleads no caller, and its threshold keeps more than it promises; such are
those that answer all images of an easy kind rightly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifier.calibration import BINS, bin_numbers, expected_error, gaps
from intervals.wilson import Estimate, proportion
from registry.card import CurvePoint
from testing.scoring import Labels, Probabilities

DRAWS = 1000
SEED = 20_030_104
POINTS = 50  # of the curve

Confidences = npt.NDArray[np.float64]
Right = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy on held-out images.

    Attributes:
        ece: the expected calibration error, as the card has it of the calibration images.
        chance: up to where that of a calibrated model with these confidences lies, as often as
            the confidence level says.
        bold: the part of the error where confidence is above accuracy.
        bold_chance: up to where that of a calibrated model lies, as often.
        confidence: the mean confidence.
        right: the part that is answered rightly.
        bins: how many bins of equal width.
        temperature: what training divided the logits by, as the card says.
        threshold: the card's; a confidence below it is answered as ``other``.
        coverage: the share of images that are answered with a class at the threshold.
        accuracy: the share of these answers that are right; None if there are none.
        curve: coverage and accuracy by threshold, from the highest threshold to the lowest.
    """

    ece: float
    chance: float
    bold: float
    bold_chance: float
    confidence: float
    right: float
    bins: int
    temperature: float
    threshold: float
    coverage: Estimate
    accuracy: Estimate | None
    curve: tuple[CurvePoint, ...]

    @property
    def excess(self) -> float:
        """The part of the boldness that chance does not explain."""
        return max(0.0, self.bold - self.bold_chance)


def measure(
    labels: Labels,
    probabilities: Probabilities,
    level: float,
    temperature: float = 1.0,
    threshold: float = 0.0,
) -> Calibration:
    """Measure the calibration of a model's answers.

    Args:
        labels: the true class of each of N > 0 images, int[N].
        probabilities: the model's answers, float[N, classes].
        level: the confidence level, as 0.95.
        temperature: what the card says of it.
        threshold: the card's.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    answered = probabilities.max(axis=1) >= threshold  # in the service's precision
    given, hits = int(answered.sum()), int((answered & right).sum())
    chance, bold_chance = by_chance(confidence, level)
    return Calibration(
        ece=expected_error(confidence, right),
        chance=chance,
        bold=float(gaps(confidence, right).clip(0).sum()),
        bold_chance=bold_chance,
        confidence=float(confidence.mean()),
        right=float(right.mean()),
        bins=BINS,
        temperature=temperature,
        threshold=threshold,
        coverage=proportion(given, len(labels), level),
        accuracy=proportion(hits, given, level) if given else None,
        curve=tuple(curve(confidence, right)),
    )


def by_chance(confidence: Confidences, level: float) -> tuple[float, float]:
    """Quantiles of a calibrated model's calibration error and of the bold part of it.

    Args:
        confidence: the confidences of its answers, float[N].
        level: which quantiles, as 0.95.
    """
    rng = np.random.default_rng(SEED)
    numbers = bin_numbers(confidence)
    draws = np.array(
        [gaps(confidence, rng.random(len(confidence)) < confidence, numbers) for _ in range(DRAWS)]
    )
    error, bold = np.abs(draws).sum(axis=1), draws.clip(0).sum(axis=1)
    return float(np.quantile(error, level)), float(np.quantile(bold, level))


def curve(confidence: Confidences, right: Right) -> Iterator[CurvePoint]:
    """Coverage and accuracy of the answers from each confidence on, at most :data:`POINTS`."""
    order = np.argsort(-confidence, kind="stable")
    ranked, hits = confidence[order], right[order].cumsum()
    last = np.flatnonzero(np.diff(ranked, append=-1))  # equal confidences are accepted together
    for i in last[np.unique(np.linspace(0, len(last) - 1, POINTS).astype(int))]:
        yield CurvePoint(
            threshold=float(ranked[i]),
            coverage=float((i + 1) / len(ranked)),
            accuracy=float(hits[i] / (i + 1)),
        )

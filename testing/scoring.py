"""How good a model's answers on held-out images are. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifier.calibration import BINS, bin_numbers, expected_error
from intervals.wilson import Estimate, proportion
from registry.answers import Answers
from testing.intervals import Confusion, f1, macro, ratio

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]

# Of confidence, for the service: coarse, as a variant rounds the tenth that a model is surest of
# to other millionths.
EDGES = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
LEAST_PROBABILITY = 1e-15  # keeps the logarithm of a certain mistake finite


@dataclass(frozen=True)
class ClassScores:
    """The figures of one class.

    Attributes:
        images: held-out images whose true class it is.
        precision: of the images answered with it, the part that is right.
        recall: of its images, the part that is answered with it.
        f1: their harmonic mean.
    """

    images: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies in one interval.

    Attributes:
        low: the lower end of the interval, not included but for 0.
        high: the upper end, included.
        images: how many answers.
        confidence: their mean confidence.
        accuracy: the part of them that is right.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Scores:
    """Everything that is measured on held-out images.

    Attributes:
        images: how many there were.
        level: the confidence level of every interval.
        accuracy: the part that is answered rightly.
        precision: the mean over classes.
        recall: the mean over classes.
        f1: the mean over classes.
        log_loss: mean negative natural logarithm of the true class's probability.
        calibration_error: expected calibration error, 0 where confidence equals accuracy.
        per_class: the figures of each class, by name, in the order of the model's outputs.
        confusion: images by true class (rows) and predicted class (columns).
        reliability: the bins of the calibration error.
        answers: how the answers are distributed, for the service to watch drift by.
    """

    images: int
    level: float
    accuracy: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate
    log_loss: float
    calibration_error: float
    per_class: dict[str, ClassScores]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[Bin, ...]
    answers: Answers


def score(
    labels: Labels, probabilities: Probabilities, classes: Sequence[str], level: float
) -> Scores:
    """Score a model's answers.

    Args:
        labels: the true class of each of N > 0 images, int[N].
        probabilities: the model's answers, float[N, classes], finite.
        classes: the class names in the order of the outputs.
        level: the confidence level of the intervals, as 0.95.
    """
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, len(classes))
    precision, recall, f1_score = macro(confusion, level)
    confidence = probabilities.max(axis=1).astype(np.float64)
    return Scores(
        images=len(labels),
        level=level,
        accuracy=proportion(int((predicted == labels).sum()), len(labels), level),
        precision=precision,
        recall=recall,
        f1=f1_score,
        log_loss=log_loss(labels, probabilities),
        calibration_error=expected_error(confidence, predicted == labels),
        per_class={
            name: _class_scores(confusion, number, level) for number, name in enumerate(classes)
        },
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        reliability=reliability(confidence, predicted == labels),
        answers=distribution(probabilities),
    )


def confusion_matrix(labels: Labels, predicted: Labels, classes: int) -> Confusion:
    """Images by true class (rows) and predicted class (columns), int[classes, classes]."""
    cells = np.bincount(labels * classes + predicted, minlength=classes**2)
    return cells.reshape(classes, classes)


def log_loss(labels: Labels, probabilities: Probabilities) -> float:
    """The mean negative natural logarithm of the true class's probability."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(of_truth, LEAST_PROBABILITY, 1)).mean())


def reliability(
    confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]
) -> tuple[Bin, ...]:
    """Accuracy against confidence, in equal parts of the range 0 to 1.

    Args:
        confidence: the probability of each answer, float[N].
        right: whether it was right, bool[N].
    """
    numbers, edges = bin_numbers(confidence), np.linspace(0, 1, BINS + 1)
    images = np.bincount(numbers, minlength=BINS)
    confidences = ratio(np.bincount(numbers, weights=confidence, minlength=BINS), images)
    accuracies = ratio(np.bincount(numbers, weights=right, minlength=BINS), images)
    columns = (edges[:-1], edges[1:], images, confidences, accuracies)
    return tuple(Bin(*row) for row in zip(*(c.tolist() for c in columns), strict=True))


def distribution(probabilities: Probabilities) -> Answers:
    """The answers by class and by confidence, of N > 0 images, float[N, classes]."""
    classes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    bins = np.searchsorted(EDGES, probabilities.max(axis=1).astype(np.float64))
    confidence = np.bincount(bins, minlength=len(EDGES) + 1)
    return Answers(tuple(classes.tolist()), EDGES, tuple(confidence.tolist()))


def worst_mistakes(labels: Labels, probabilities: Probabilities, limit: int) -> list[int]:
    """The indices of the wrong answers that were given with most confidence, worst first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    confidence = probabilities[wrong].max(axis=1)
    return [int(i) for i in wrong[np.argsort(-confidence, kind="stable")][:limit]]


def _class_scores(confusion: Confusion, number: int, level: float) -> ClassScores:
    hits = int(confusion[number, number])
    images, answers = int(confusion[number].sum()), int(confusion[:, number].sum())
    return ClassScores(
        images=images,
        precision=proportion(hits, answers, level),
        recall=proportion(hits, images, level),
        f1=f1(hits, answers - hits, images - hits, level),
    )

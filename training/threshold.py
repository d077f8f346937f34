"""The confidence under which `other` is the better answer. Pure.

Selective classification, as Geifman and El-Yaniv (2017), "Selective classification for deep neural
networks" (arXiv:1705.08500): the lowest threshold at which the accepted answers are shown, with
confidence, to be as accurate as is asked for. Shown means that the lower bound of an exact
binomial interval (Clopper and Pearson, 1934) reaches the target. They search among all thresholds;
here one is tried for each of a few coverages, set beforehand, and the chance of an error is divided
among these, so that the bound holds for whichever is taken.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from registry.card import CurvePoint

Confidence = npt.NDArray[np.floating]
Right = npt.NDArray[np.bool_]

# The chance of an error at each coverage, 5 % together. Half of it goes to answering everything, so
# that few images suffice to show that a good model needs no threshold. A classifier that answers
# less than half of the images needs better training.
CHANCES = {1.0: 0.025, 0.95: 0.005, 0.9: 0.005, 0.8: 0.005, 0.65: 0.005, 0.5: 0.005}
POINTS = 50
STEPS = 10_000  # of a threshold; finer ones would be undone by another device's arithmetic


def choose(confidence: Confidence, right: Right, target: float) -> float | None:
    """The lowest threshold shown to give the accuracy ``target``; 0 if it takes none.

    With N independent images of the kind that will be asked about, the accepted answers are less
    accurate than ``target`` in at most 5 % of cases.

    Args:
        confidence: the probability of each answer, float[N], N > 0.
        right: whether it was right, bool[N].
        target: the accuracy asked for, below 1.

    Returns:
        a threshold, or None if none is shown to give it.
    """
    for coverage, chance in CHANCES.items():
        threshold = _at_coverage(confidence, coverage)
        if _at_least(right[confidence >= threshold], chance) >= target:
            return threshold
    return None


def images_needed(target: float) -> int:
    """The fewest images, none answered wrongly, that show the accuracy ``target``."""
    return math.ceil(math.log(CHANCES[1.0]) / math.log(target))


def share(confidence: Confidence, right: Right, threshold: float) -> tuple[float, float | None]:
    """The coverage at a threshold, and the accuracy of what is accepted, None for nothing."""
    accepted = right[confidence >= threshold]
    return len(accepted) / len(right), float(accepted.mean()) if len(accepted) else None


def curve(confidence: Confidence, right: Right) -> tuple[CurvePoint, ...]:
    """Coverage and accuracy at up to :data:`POINTS` thresholds, the lowest, 0, first."""
    coverages = np.linspace(1, 1 / POINTS, POINTS).tolist()
    thresholds = sorted({_at_coverage(confidence, coverage) for coverage in coverages})
    points = ((threshold, *share(confidence, right, threshold)) for threshold in thresholds)
    return tuple(CurvePoint(t, coverage, accuracy or 0.0) for t, coverage, accuracy in points)


def _at_coverage(confidence: Confidence, coverage: float) -> float:
    """The highest threshold that accepts this share of the answers, in whole steps."""
    if coverage == 1:
        return 0.0
    accepted = max(math.ceil(coverage * len(confidence)), 1)
    last = float(np.sort(confidence)[-accepted])
    # Below the answer, not at it, so that it stays accepted where it comes out a little lower.
    return max(math.ceil(last * STEPS) - 1, 0) / STEPS


def _at_least(right: Right, chance: float) -> float:
    """The lower bound of the accuracy of N > 0 answers, too high with no more than ``chance``."""
    test = binomtest(int(right.sum()), len(right), alternative="greater")
    return float(test.proportion_ci(1 - chance, method="exact").low)

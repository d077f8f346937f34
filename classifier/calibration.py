"""How far a classifier's confidence is from how often it is right. Pure.

Training and gate measure it alike, so that the error on the card and that in the verdict compare.
"""

import numpy as np
import numpy.typing as npt

# Guo et al. (2017), arXiv:1706.04599, have 15 and many more images: of few, a bin has a gap by
# chance alone.
BINS = 10


def bin_numbers(confidence: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """The one of :data:`BINS` bins of equal width for each confidence, int[N], from 0.

    An edge belongs to the bin below it.
    """
    edges = np.linspace(0, 1, BINS + 1)
    numbers: npt.NDArray[np.int64] = np.digitize(confidence, edges, right=True) - 1
    return numbers.clip(0, BINS - 1)


def gaps(
    confidence: npt.NDArray[np.floating],
    right: npt.NDArray[np.bool_],
    numbers: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.float64]:
    """By how much confidence exceeds accuracy in each bin, weighed by its share of the images.

    Args:
        confidence: the probability of each answer, float[N], N > 0.
        right: whether it was right, bool[N].
        numbers: the bins of ``confidence``, if they are known.

    Returns:
        float64[:data:`BINS`], negative where answers are righter than sure.
    """
    bins = bin_numbers(confidence) if numbers is None else numbers
    summed = np.bincount(bins, weights=confidence - right, minlength=BINS)
    shares: npt.NDArray[np.float64] = summed / len(confidence)
    return shares


def expected_error(confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """The expected calibration error: the gap of confidence and accuracy, averaged over images.

    Naeini, Cooper and Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian
    binning", with bins of equal width as in Guo et al. (2017), "On calibration of modern neural
    networks". The arguments are those of :func:`gaps`.
    """
    return float(np.abs(gaps(confidence, right)).sum())

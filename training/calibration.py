"""Temperature scaling: making a network's confidence agree with how often it is right. Pure.

Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks"
(arXiv:1706.04599): all logits are divided by one number, fitted on images that trained nothing.
Which class is on top stays as it was.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from classifier import calibration

Probabilities = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]

BOUNDS = (0.1, 10.0)  # Guo et al. found 0.9 to 3; what lies beyond these is no correction
FEWEST_IMAGES = 50
SIGNIFICANT = 6.63  # twice the gain in log-likelihood that chance exceeds in 1 % (Wilks, 1938)


def expected_error(probabilities: Probabilities, labels: Labels) -> float:
    """The expected calibration error of answers.

    Args:
        probabilities: float[N, classes], N > 0.
        labels: the true classes, int[N].
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    return calibration.expected_error(confidence, probabilities.argmax(axis=1) == labels)


def fit(probabilities: Probabilities, labels: Labels) -> float:
    """The temperature under which the true classes are likeliest, within :data:`BOUNDS`.

    Args:
        probabilities: what a network answers, float[N, classes], N > 0.
        labels: the true classes, int[N].
    """

    def loss(log_temperature: float) -> float:
        return -_log_likelihood(probabilities, labels, math.exp(log_temperature))

    # The loss is convex in 1/T, so that it has one minimum in log T.
    found = minimize_scalar(loss, bounds=np.log(BOUNDS), method="bounded")
    return round(math.exp(found.x), 3)  # so that the last bits of the answers do not matter


def objection(probabilities: Probabilities, labels: Labels, temperature: float) -> str:
    """Why a fitted temperature is not to be used; empty if it is.

    A temperature that owes its fit to chance would do more harm than none. And what is likelier
    need not be better calibrated: where labels are wrong at random, a higher temperature makes them
    less unlikely, and takes confidence from all the right ones.
    """
    if len(labels) < FEWEST_IMAGES:
        return f"{len(labels)} calibration images are too few, {FEWEST_IMAGES} are required"
    if (probabilities.argmax(axis=1) == labels).all():
        # However low the temperature, the likelihood would still grow.
        return f"all {len(labels)} calibration images are answered rightly"
    before, after = (_log_likelihood(probabilities, labels, t) for t in (1.0, temperature))
    if 2 * (after - before) < SIGNIFICANT:
        return f"{temperature} fits {len(labels)} calibration images no better than chance allows"
    scaled = tempered(probabilities, temperature)
    errors = [expected_error(answers, labels) for answers in (probabilities, scaled)]
    if errors[1] >= errors[0]:
        return "{} would raise the calibration error from {:.4f} to {:.4f}".format(
            temperature, *errors
        )
    return ""


def tempered(probabilities: Probabilities, temperature: float) -> Probabilities:
    """What a network that answers ``probabilities`` answers at ``temperature``."""
    scaled: Probabilities = softmax(_logits(probabilities) / temperature, axis=1)
    return scaled


def _log_likelihood(probabilities: Probabilities, labels: Labels, temperature: float) -> float:
    """The natural logarithm of how likely the true classes are at ``temperature``."""
    scaled: Probabilities = log_softmax(_logits(probabilities) / temperature, axis=1)
    return float(scaled[np.arange(len(labels)), labels].sum())


def _logits(probabilities: Probabilities) -> Probabilities:
    """Logits of ``probabilities``, float64.

    Softmax forgets no more of them than a constant, and in float32 what is 87 below the highest.
    """
    least = np.finfo(np.float32).tiny
    logits: Probabilities = np.log(np.maximum(probabilities, least, dtype=np.float64))
    return logits

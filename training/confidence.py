"""What a trained network's confidence means: the temperature inside it, the threshold above it."""

import logging
from dataclasses import dataclass

import keras
import numpy as np

from classifier.golden import TOLERANCE
from classifier.tensorflow_runtime import TensorFlowClassifier
from images.dataset import Dataset
from registry.card import Calibration
from training import calibration, threshold
from training.calibration import Probabilities
from training.settings import TrainSettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Confidence:
    """What was settled about a network's confidence.

    Attributes:
        temperature: what its logits are divided by, inside its weights.
        threshold: the confidence below which its answer is ``other``; 0 never is.
        calibration: what both are based on; None without images to measure on.
    """

    temperature: float
    threshold: float
    calibration: Calibration | None


def settle(network: keras.Model, part: Dataset, settings: TrainSettings) -> Confidence:
    """Fit the temperature on the calibration part, put it into ``network``, choose the threshold.

    Args:
        network: the network, from images to probabilities; its weights change.
        part: the calibration part, that nothing has been trained on or chosen by.
        settings: the threshold, or how to choose it.
    """
    classifier = TensorFlowClassifier(network)
    before = classifier.predict(part.images)
    if not len(part) or not np.isfinite(before).all():
        reason = "it answers what is no number" if len(part) else "the calibration part is empty"
        logger.warning("the network's confidence is not measured: %s", reason)
        return Confidence(1.0, 0.0 if settings.threshold == "auto" else settings.threshold, None)
    temperature = _scale(network, classifier, part, before)
    after = classifier.predict(part.images)
    confidence, right = after.max(axis=1), after.argmax(axis=1) == part.labels
    chosen, reached = _threshold(confidence, right, settings)
    coverage, accuracy = threshold.share(confidence, right, chosen)
    figures = Calibration(
        images=len(part),
        ece_before=calibration.expected_error(before, part.labels),
        ece_after=calibration.expected_error(after, part.labels),
        coverage=coverage,
        accuracy=accuracy,
        reached=reached,
        curve=threshold.curve(confidence, right),
    )
    return Confidence(temperature, chosen, figures)


def fold(network: keras.Model, temperature: float) -> bool:
    """Divide the logits inside ``network`` by ``temperature``: its last layer's kernel and bias.

    Returns:
        False, and nothing is changed, if the last layer is no dense one with a softmax.
    """
    head = network.layers[-1]
    dense = isinstance(head, keras.layers.Dense)
    if not dense or head.activation is not keras.activations.softmax:
        return False
    head.set_weights([weights / temperature for weights in head.get_weights()])
    return True


def _scale(
    network: keras.Model, classifier: TensorFlowClassifier, part: Dataset, answers: Probabilities
) -> float:
    """Put the fitted temperature into ``network``, which ``classifier`` runs, and return it.

    It is 1 where it cannot be fitted, or not be put there.
    """
    temperature = calibration.fit(answers, part.labels)
    if objection := calibration.objection(answers, part.labels, temperature):
        logger.info("the temperature stays 1: %s", objection)
        return 1.0
    trained = network.get_weights()
    if fold(network, temperature):
        expected = calibration.tempered(answers, temperature)
        if np.abs(classifier.predict(part.images) - expected).max() <= TOLERANCE:
            return temperature
        network.set_weights(trained)  # the last layer is used in other places too
    logger.warning(
        "the temperature %.3f is not applied: the network, from production, does not end in a "
        "dense layer with a softmax, where it would go; train without --warm-start "
        "(TRAIN_WARM_START) for one that does",
        temperature,
    )
    return 1.0


def _threshold(
    confidence: threshold.Confidence, right: threshold.Right, settings: TrainSettings
) -> tuple[float, bool | None]:
    """The threshold, and whether it reaches the target; None where a person has chosen it."""
    if settings.threshold != "auto":
        return settings.threshold, None
    target = settings.target_accuracy
    found = threshold.choose(confidence, right, target)
    if found is not None:
        return found, True
    logger.warning(
        "no answer will be `other`: of %d calibration images %d are answered rightly, and no "
        "threshold is shown to bring the accuracy to %s, for which it takes %d without a mistake: "
        "give ten times as many images in all, lower --target-accuracy (TRAIN_TARGET_ACCURACY), "
        "or set --threshold (TRAIN_THRESHOLD)",
        len(right),
        right.sum(),
        target,
        threshold.images_needed(target),
    )
    return 0.0, False

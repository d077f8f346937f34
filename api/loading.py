"""From a model file to a classifier that has shown that it can serve.

TensorFlow is imported when a model is first loaded with it, in the thread that loads it.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from api import memory
from classifier import golden
from classifier.runtime import Classifier
from images import SHAPE
from images.raw import from_raw
from registry.card import Card
from registry.verdict import Variant


def load_checked(path: Path, card: Card, batch_sizes: Iterable[int]) -> Classifier:
    """Load the model, let it answer the golden image, and warm it for the batch sizes.

    Raises:
        ClassifierError: the file is no usable model, or does not answer as its card says.
        ImagesError: the card's golden image is none.
    """
    from classifier.load import load
    from classifier.tensorflow_runtime import prepare_devices

    memory.pass_over_libraries("tensorflow")
    prepare_devices()
    classifier = load(path, classes=len(card.classes))
    _check(classifier, card)
    warm(classifier, batch_sizes)
    return classifier


def load_variant(content: bytes, variant: Variant, card: Card) -> Classifier:
    """Load a variant of the model, and let it answer the golden image; it is not warm yet.

    Raises:
        ClassifierError: the file is no usable model, or does not answer as the card says.
        ImagesError: the card's golden image is none.
    """
    from classifier.onnx_runtime import load

    memory.pass_over_libraries("onnx")
    classifier = load(content, variant.precision, len(card.classes))
    _check(classifier, card)
    return classifier


def warm(classifier: Classifier, batch_sizes: Iterable[int]) -> None:
    """Let the classifier answer batches of these sizes."""
    for size in batch_sizes:
        classifier.predict(np.zeros((size, *SHAPE), np.uint8))


def warm_sizes(max_batch: int) -> list[int]:
    """The batch sizes to try before serving: powers of two, and the largest.

    The first batch of all takes seconds on a GPU and 30 times the usual on a CPU; one of a size
    between those already seen takes a few milliseconds longer than the next of its size.
    """
    powers = [2**power for power in range(max_batch.bit_length())]
    return sorted({*powers, max_batch})


def _check(classifier: Classifier, card: Card) -> None:
    golden.check(classifier, from_raw(card.golden.pixels)[0], card.golden.probabilities)

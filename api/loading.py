"""From a model file to a classifier that has shown that it can serve.

TensorFlow is imported when a model is first loaded, in the thread that loads it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from images import SHAPE
from images.decode import from_raw
from registry.card import Card

if TYPE_CHECKING:
    from classifier.runtime import Classifier


def load_checked(path: Path, card: Card, batch_sizes: Iterable[int]) -> "Classifier":
    """Load the model, let it answer the golden image, and warm it for the batch sizes.

    Raises:
        ClassifierError: the file is no usable model, or does not answer as its card says.
        ImagesError: the card's golden image is none.
    """
    from classifier import golden
    from classifier.load import load
    from classifier.tensorflow_runtime import prepare_devices

    prepare_devices()
    classifier = load(path, classes=len(card.classes))
    golden.check(classifier, from_raw(card.golden.pixels)[0], card.golden.probabilities)
    for size in batch_sizes:
        classifier.predict(np.zeros((size, *SHAPE), np.uint8))
    return classifier


def warm_sizes(max_batch: int) -> list[int]:
    """The batch sizes to try before serving: powers of two, and the largest.

    The first batch of all takes seconds on a GPU and 30 times the usual on a CPU; one of a size
    between those already seen takes a few milliseconds longer than the next of its size.
    """
    powers = [2**power for power in range(max_batch.bit_length())]
    return sorted({*powers, max_batch})

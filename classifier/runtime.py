"""Running a model: what every runtime offers, a call that threads may share."""

from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import Literal

import numpy as np
import numpy.typing as npt

from classifier import rise
from classifier.errors import WrongInput
from classifier.explanation import Check, Explanation, scaled, unchecked

INPUT_SHAPE = (128, 128, 3)
CHUNK = 256  # images per call, so that activations of a large array fit into memory

Runtime = Literal["tensorflow", "onnx"]
Precision = Literal["float32", "int8"]


def has_tensorflow() -> bool:
    """Whether TensorFlow is installed here, found out without importing it."""
    return find_spec("tensorflow") is not None


class Classifier(ABC):
    """A loaded model, ready to answer from any thread.

    Attributes:
        classes: the number of outputs.
        device: what it runs on, as ``CPU`` or ``GPU:0``.
        runtime: the library that runs it.
        precision: what it mostly computes with.
    """

    runtime: Runtime

    def __init__(self, classes: int, device: str, precision: Precision = "float32") -> None:
        self.classes = classes
        self.device = device
        self.precision: Precision = precision

    def predict(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """The probabilities of each class, float32[N, classes], for uint8[N, 128, 128, 3].

        Raises:
            WrongInput: ``images`` has another shape or dtype.
        """
        if images.dtype != np.uint8 or images.shape[1:] != INPUT_SHAPE:
            raise WrongInput(
                f"a classifier takes uint8 images of shape (N, 128, 128, 3), "
                f"not {images.dtype} of shape {images.shape}"
            )
        answers = np.empty((len(images), self.classes), np.float32)
        for start in range(0, len(images), CHUNK):
            chunk = slice(start, start + CHUNK)
            answers[chunk] = self._answer(images[chunk])
        return answers

    def explain(
        self, image: npt.NDArray[np.uint8], index: int, check: Check = unchecked
    ) -> Explanation:
        """Where in an image the model sees a class; the same each time.

        What a runtime knows of gradients, it may use. Here it is its answers alone.

        Args:
            image: uint8[128, 128, 3].
            index: the number of the class.
            check: called before each of many calls of the model.
        """
        evidence = rise.evidence(self.predict, image, index, check)
        return Explanation("rise", index, scaled(evidence))

    @abstractmethod
    def _answer(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """The probabilities for at most :data:`CHUNK` images."""

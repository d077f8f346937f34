"""A classifier that needs no TensorFlow."""

import numpy as np
import numpy.typing as npt

from classifier.runtime import Classifier
from images import Images


class FirstPixel(Classifier):
    """Answers each image with the class whose number is the image's first byte."""

    device = "CPU"
    runtime = "onnx"
    precision = "float32"
    classes = 256

    def __init__(self) -> None:
        """There is nothing to load."""

    def _answer(self, images: Images) -> npt.NDArray[np.float32]:
        """float32[N, 256] for uint8[N, 128, 128, 3]: 0.75 for that class, and the rest shared."""
        answers = np.full((len(images), self.classes), 0.25 / 255, np.float32)
        answers[np.arange(len(images)), images[:, 0, 0, 0]] = 0.75
        return answers

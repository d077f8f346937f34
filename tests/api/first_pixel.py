"""A classifier that needs no TensorFlow."""

import numpy as np
import numpy.typing as npt

from images import Images


class FirstPixel:
    """Answers each image with the class whose number is the image's first byte."""

    device = "CPU"
    runtime = "onnx"
    precision = "float32"
    classes = 256

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        """float32[N, 256] for uint8[N, 128, 128, 3]: 0.75 for that class, and the rest shared."""
        answers = np.full((len(images), self.classes), 0.25 / 255, np.float32)
        answers[np.arange(len(images)), images[:, 0, 0, 0]] = 0.75
        return answers

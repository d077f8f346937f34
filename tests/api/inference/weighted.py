"""A classifier whose answer depends on every pixel and on its place."""

import numpy as np
import numpy.typing as npt

from classifier.labels import Labels
from images import NBYTES, Images

CLASSES = ("cat", "dog", "cow", "horse ü")
WEIGHTS = np.random.default_rng(0).normal(0, 2e-5, (NBYTES, len(CLASSES))).astype(np.float32)


class Weighted:
    """A softmax of weighted sums."""

    device = "CPU"
    runtime = "onnx"
    precision = "float32"
    labels = Labels(CLASSES, 0.0)

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        """float32[N, 4] for uint8[N, 128, 128, 3]; each row as if it were alone."""
        rows = [np.exp(image.reshape(-1).astype(np.float32) @ WEIGHTS) for image in images]
        return np.array([row / row.sum() for row in rows], np.float32)

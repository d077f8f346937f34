"""The built-in data: 1,797 handwritten digits, scanned, that ship inside scikit-learn.

They are the test part of E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*,
UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49.
"""

import cv2
import numpy as np

from images.dataset import Dataset
from images.decode import resize

DARKEST = 16


def load() -> Dataset:
    """Load the digits, light on black, enlarged from 8x8 pixels of 17 levels."""
    from sklearn.datasets import load_digits  # takes a second that other data need not wait for

    digits = load_digits()
    levels = np.rint(digits.images * (255 / DARKEST)).astype(np.uint8)
    images = np.stack([resize(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)) for image in levels])
    return Dataset(
        source="digits",
        images=images,
        labels=digits.target.astype(np.int64),
        classes=tuple(str(name) for name in digits.target_names),
        names=tuple(f"digits/{index:04}" for index in range(len(images))),
    )

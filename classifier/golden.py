"""Whether a loaded model answers here as it answered where it was trained."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from classifier.errors import GoldenMismatch
from classifier.runtime import Classifier, Precision

# Probabilities of one float32 model differ by about 1e-6 between CPUs. A GPU multiplies with
# TensorFloat-32's 10-bit mantissa (relative error 2^-11 per product), which adds up to less than
# 0.01 in networks of our depth; a wrong model, colour order or scaling is far beyond 0.02.
TOLERANCE = 0.02
# Eight bits leave up to 0.07 on held-out digits.
TOLERANCES: Mapping[Precision, float] = {"float32": TOLERANCE, "int8": 0.15}


def check(
    classifier: Classifier, pixels: npt.NDArray[np.uint8], probabilities: Sequence[float]
) -> None:
    """Require the recorded answer for the golden image.

    Args:
        classifier: the model, as it will be used.
        pixels: the golden image, uint8[128, 128, 3].
        probabilities: what training saw, one per class.

    Raises:
        GoldenMismatch: another class is on top, or a probability differs by more than
            :data:`TOLERANCES` allows for the classifier's precision.
    """
    expected = np.asarray(probabilities, dtype=np.float32)
    answer = classifier.predict(pixels[np.newaxis])[0]
    if answer.shape != expected.shape:
        raise GoldenMismatch(
            f"the golden example has {expected.size} probabilities and the model {answer.size}: "
            "the card belongs to another model"
        )
    if answer.argmax() != expected.argmax():
        raise GoldenMismatch(
            f"the golden image is answered with class {answer.argmax()}, "
            f"but training recorded class {expected.argmax()}"
        )
    difference = float(np.abs(answer - expected).max())
    tolerance = TOLERANCES[classifier.precision]
    if not difference <= tolerance:  # NaN too
        raise GoldenMismatch(
            f"a probability of the golden image differs by {difference:.4f} from what training "
            f"recorded; up to {tolerance} is allowed with {classifier.precision}"
        )

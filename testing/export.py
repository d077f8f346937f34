"""A process that turns a Keras model into ONNX: ``python -m testing.export MODEL TARGET``.

TensorFlow, Keras and tf2onnx all take part, and any of them may crash, hang or want more memory
than there is; the gate survives that, as it does not happen in it.
"""

import sys
from pathlib import Path

import numpy as np
import onnx

from classifier.load import load_model
from classifier.runtime import INPUT_SHAPE


def main(source: str, target: str) -> None:
    """Write the model in ``source`` to ``target``, its input uint8[N, 128, 128, 3]."""
    model = load_model(Path(source))
    model(np.zeros((1, *INPUT_SHAPE), np.uint8))  # Keras exports what has been called
    model.export(target, format="onnx", verbose=False)
    onnx.checker.check_model(target)


if __name__ == "__main__":
    main(*sys.argv[1:])

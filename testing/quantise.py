"""A process that makes an int8 model: ``python -m testing.quantise MODEL IMAGES TARGET``.

Static quantisation, a scale for each channel of the weights, activations in uint8. Weights take
seven of the eight bits: without VNNI, processors add pairs of products in 16 bits, which eight
would saturate, and the answers there would not be those that the gate has seen.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

BATCH = 16
# Where most of the time goes, and what lies between: leaving int8 and coming back costs more than
# it saves. Softmax is left out, as eight bits are too few for probabilities.
OPERATORS = (
    "Add",
    "AveragePool",
    "Concat",
    "Conv",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "MatMul",
    "MaxPool",
    "Relu",
    "Reshape",
    "Transpose",
)


class Images(CalibrationDataReader):  # type: ignore[misc]
    """Images by the batch, for the ranges of the activations."""

    def __init__(self, images: npt.NDArray[np.uint8], name: str) -> None:
        starts = range(0, len(images), BATCH)
        self._batches = iter([{name: images[i : i + BATCH]} for i in starts])

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        """The next batch, by the name of the input."""
        return next(self._batches, None)


def main(source: str, images: str, target: str) -> None:
    """Quantise the ONNX model in ``source``, calibrated on ``images``, a uint8 array of NumPy's."""
    prepared = Path(target).with_suffix(".prepared")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        target,
        Images(np.load(images), _input(prepared)),
        op_types_to_quantize=list(OPERATORS),
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def _input(model: Path) -> str:
    name: str = onnx.load(model).graph.input[0].name
    return name


if __name__ == "__main__":
    main(*sys.argv[1:])

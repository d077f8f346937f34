"""ONNX models made by hand: the same as the tiny Keras models of the tests, and hostile ones."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT, OUTPUT = "image", "probabilities"
POOL = 16


def like(weights: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> onnx.ModelProto:
    """What `make_model` makes, of the weights of its dense layer: float[192, classes]."""
    return model(
        [
            helper.make_node("Cast", [INPUT], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["float", "scale"], ["scaled"]),
            helper.make_node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node(
                "AveragePool",
                ["planes"],
                ["means"],
                kernel_shape=[POOL, POOL],
                strides=[POOL, POOL],
            ),
            helper.make_node("Transpose", ["means"], ["pixels"], perm=[0, 2, 3, 1]),
            helper.make_node("Flatten", ["pixels"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [OUTPUT]),
        ],
        {"scale": np.array(1 / 255, np.float32), "weights": weights, "bias": bias},
        weights.shape[1],
    )


def model(
    nodes: list[onnx.NodeProto], weights: dict[str, npt.NDArray[np.float32]], classes: int
) -> onnx.ModelProto:
    """A model from uint8[N, 128, 128, 3] to float32[N, classes]."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["N", 128, 128, 3])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", classes])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def of_keras(path: Path) -> bytes:
    """The ONNX file of a model that `make_model` made."""
    import keras

    weights, bias = keras.saving.load_model(path, compile=False).get_weights()
    content: bytes = like(weights, bias).SerializeToString()
    return content


def moved_out(tensor: onnx.TensorProto, location: str) -> onnx.TensorProto:
    """The tensor, with its content in another file."""
    moved = onnx.TensorProto()
    moved.CopyFrom(tensor)
    moved.ClearField("raw_data")
    moved.data_location = TensorProto.EXTERNAL
    moved.external_data.add(key="location", value=location)
    return moved

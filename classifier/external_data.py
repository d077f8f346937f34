"""Whether an ONNX file keeps weights in other files, read from its bytes alone.

The service has no library that reads ONNX but the one that would open those files. So the fields
that can lead to a tensor are followed here, by the encoding of Protocol Buffers
(https://protobuf.dev/programming-guides/encoding/) and the numbers of onnx.proto.
"""

from collections.abc import Iterator, Mapping

from classifier.errors import HostileModel, UnreadableModel

DEEPEST = 32  # graphs within graphs
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIDTHS = {FIXED64: 8, FIXED32: 4}
EXTERNAL_DATA = 13  # of a TensorProto, without which it cannot be elsewhere

# The fields of each message that hold messages which can lead to a tensor.
INSIDE: Mapping[str, Mapping[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {
        5: "Tensor",
        6: "Graph",
        10: "Tensor",
        11: "Graph",
        22: "Sparse",
        23: "Sparse",
    },
    "Sparse": {1: "Tensor", 2: "Tensor"},
}


def require_none(model: bytes) -> None:
    """Require that every weight is inside.

    Raises:
        HostileModel: one is elsewhere.
        UnreadableModel: this is no ONNX file.
    """
    try:
        _follow(memoryview(model), "Model", DEEPEST)
    except (IndexError, KeyError) as error:
        raise UnreadableModel("this is not an ONNX file, or it is cut short") from error


def _follow(message: memoryview, kind: str, depth: int) -> None:
    if not depth:
        raise HostileModel(f"the ONNX file has more than {DEEPEST} parts within parts")
    for number, content in _fields(message):
        if kind == "Tensor":
            if number == EXTERNAL_DATA:
                raise HostileModel("the ONNX file keeps weights in other files")
        elif number in INSIDE[kind]:
            _follow(content, INSIDE[kind][number], depth - 1)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The number of each field, and its content where it is bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            size = _varint(message, at)[1] - at
        elif kind == BYTES:
            size, at = _varint(message, at)
        else:
            size = WIDTHS[kind]
        if at + size > len(message):
            raise IndexError
        yield number, message[at : at + size] if kind == BYTES else message[:0]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where it ends."""
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise IndexError

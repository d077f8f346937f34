"""From what the model says of images to the tensors that the protocol gives it in."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from api.holder import Answer
from api.inference.documents import (
    OUTPUTS,
    InferOutput,
    InferRequest,
    Output,
    RequestedOutput,
    TensorMetadata,
    TensorParameters,
)
from classifier.labels import Labels

DATATYPES: Mapping[Output, str] = {
    "index": "INT64",
    "label": "BYTES",
    "confidence": "FP32",
    "probabilities": "FP32",
}
LAYOUTS = {"INT64": "<i8", "FP32": "<f4"}


@dataclass(frozen=True)
class Tensor:
    """An output.

    Attributes:
        name: its name.
        datatype: of its values, as the protocol calls it.
        values: of any shape; text, where the datatype is BYTES.
    """

    name: str
    datatype: str
    values: npt.NDArray[Any]

    @property
    def binary(self) -> bytes:
        """The values, little-endian, row by row; each text with its length before it."""
        if self.datatype != "BYTES":
            return self.values.astype(LAYOUTS[self.datatype]).tobytes()
        # JSON can name a class by half of a character.
        texts = [text.encode(errors="replace") for text in self.values.flat]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)

    def document(self, binary_size: int | None) -> InferOutput:
        """What the JSON says of it: its values, or how many bytes they have behind the JSON."""
        facts = {"name": self.name, "datatype": self.datatype, "shape": list(self.values.shape)}
        if binary_size is None:
            return InferOutput.model_validate({**facts, "data": self.values.ravel().tolist()})
        parameters = TensorParameters(binary_data_size=binary_size)
        return InferOutput.model_validate({**facts, "parameters": parameters})


def metadata(classes: int) -> list[TensorMetadata]:
    """Every output of a model."""
    return [
        TensorMetadata(
            name=name,
            datatype=DATATYPES[name],
            shape=[-1, classes] if name == "probabilities" else [-1],
        )
        for name in OUTPUTS
    ]


def answer_tensors(
    asked: InferRequest, answers: Sequence[Answer], labels: Labels
) -> tuple[list[InferOutput], bytes]:
    """The outputs that a request asks for: what the JSON says of each, and what is behind it.

    Args:
        asked: the request.
        answers: one for each of its images, all of one version.
        labels: what they are called.
    """
    documents, parts = [], []
    for output in asked.outputs or [RequestedOutput(name=name) for name in OUTPUTS]:
        tensor = _tensor(output, answers, labels)
        binary = output.parameters.binary_data
        if asked.parameters.binary_data_output if binary is None else binary:
            parts.append(tensor.binary)
            documents.append(tensor.document(len(parts[-1])))
        else:
            documents.append(tensor.document(None))
    return documents, b"".join(parts)


def _tensor(output: RequestedOutput, answers: Sequence[Answer], labels: Labels) -> Tensor:
    most = output.parameters.classification
    if most is not None:
        rows = [_classified(answer.probabilities, labels, most) for answer in answers]
        return Tensor(output.name, "BYTES", np.array(rows, object))
    if output.name == "label":
        texts = [labels.name(answer.index, answer.confidence) for answer in answers]
        return Tensor("label", "BYTES", np.array(texts, object))
    values = np.array([getattr(answer, output.name) for answer in answers])
    return Tensor(output.name, DATATYPES[output.name], values)


def _classified(scores: npt.NDArray[np.float32], labels: Labels, most: int) -> list[str]:
    """The likeliest classes as Triton writes them."""
    likeliest = np.argsort(-scores, kind="stable")[:most]
    return [f"{scores[index]:f}:{index}:{labels.classes[index]}" for index in likeliest]

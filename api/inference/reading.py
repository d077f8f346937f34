"""From the body of an inference request to its images, without a copy of those sent as bytes."""

import re

from api import payloads
from api.errors import Fault, Invalid
from api.inference.documents import INPUT, INPUT_TYPE, InferInput, InferRequest
from images import NBYTES, Images
from images.raw import from_raw

HEADER = "Inference-Header-Content-Length"
TENSOR = "body.inputs.0"

IMPLIED = {"name": INPUT, "datatype": INPUT_TYPE}  # where the body is the tensor alone


def read_request(body: bytes, header: str | None) -> tuple[InferRequest, Images]:
    """What a request asks, and its images, uint8[N, 128, 128, 3].

    Args:
        body: JSON, behind which there may be binary data; or the latter alone.
        header: how many bytes the JSON has, as the caller says; None if it is all of the body.

    Raises:
        Refusal: it asks for what there is not, or its parts do not fit each other.
    """
    length = _header_length(header, len(body))
    if header is not None and length == 0:
        images = payloads.raw_batch(body)
        tensor = InferInput.model_validate({**IMPLIED, "shape": images.shape})
        return InferRequest(inputs=[tensor]), images
    asked = InferRequest.read(body[:length])
    return asked, _images(asked.inputs[0], memoryview(body)[length:])


def _header_length(header: str | None, size: int) -> int:
    if header is None:
        return size
    if not re.fullmatch(r"[0-9]{1,10}", header) or int(header) > size:
        sentence = f"this is how many of the body's {size:,} bytes are JSON"
        raise Invalid(Fault(f"header.{HEADER}", sentence))
    return int(header)


def _images(tensor: InferInput, behind: memoryview) -> Images:
    size = tensor.parameters.binary_data_size
    if size is not None and tensor.data is not None:
        raise Invalid(Fault(f"{TENSOR}.data", "give this or binary data, and not both"))
    if len(behind) != (size or 0):
        sentence = f"there are {len(behind):,} bytes behind the JSON; {HEADER} says where it ends"
        raise Invalid(Fault(f"{TENSOR}.parameters.binary_data_size", sentence))
    if size is None:
        return from_raw(_listed(tensor))
    if size != tensor.shape[0] * NBYTES:
        sentence = f"a tensor of this shape has {tensor.shape[0] * NBYTES:,} bytes"
        raise Invalid(Fault(f"{TENSOR}.parameters.binary_data_size", sentence))
    return from_raw(behind)


def _listed(tensor: InferInput) -> bytes:
    if tensor.data is None:
        raise Invalid(Fault(f"{TENSOR}.data", "this is required, or else binary data"))
    return tensor.data

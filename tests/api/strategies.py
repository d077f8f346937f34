"""What schemathesis cannot make up by itself: raw images, image files, and tensors of them."""

import base64
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, HookContext

from api.inference.reading import HEADER
from images import NBYTES
from tests.images.files import samples

FILES = st.sampled_from(sorted(samples().values()))

schemathesis.openapi.format("byte", FILES.map(lambda file: base64.b64encode(file).decode()))
schemathesis.openapi.media_type(
    "application/octet-stream", st.integers(0, 255).map(lambda value: bytes([value]) * NBYTES)
)
for kind in ("jpeg", "png", "webp", "bmp"):
    schemathesis.openapi.media_type(f"image/{kind}", FILES)


@schemathesis.hook.apply_to(path_regex="^/v2/models/")
def before_call(context: HookContext, case: Case, kwargs: Any) -> None:
    """Give what is to be valid the name of the model, and values that fit each other."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    case.path_parameters["name"] = "classifier"
    if "version" in case.path_parameters:
        case.path_parameters["version"] = "a" * 64
    case.headers.pop(HEADER, None)
    if isinstance(case.body, bytes):
        case.headers[HEADER] = "0"
    elif isinstance(case.body, dict):
        (tensor,) = case.body["inputs"]
        tensor.pop("parameters", None)
        tensor["shape"][0] = 1  # as 64 images make a long test; of the metadata it learns -1
        tensor["data"] = [7] * NBYTES
        outputs = {output["name"]: output for output in case.body.get("outputs", [])}
        for name in set(outputs) - {"probabilities"}:
            outputs[name].get("parameters", {}).pop("classification", None)
        case.body["outputs"] = list(outputs.values())

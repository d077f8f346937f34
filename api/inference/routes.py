"""The routes of the protocol."""

from flask import Blueprint, Response, request

from api import payloads
from api.asking import ask, labels_of
from api.errors import Absent, Invalid, NotReady, TooLarge, WrongLength, WrongType
from api.holder import Snapshot
from api.inference.coding import decoded
from api.inference.documents import (
    INPUT,
    INPUT_SHAPE,
    INPUT_TYPE,
    InferAnswer,
    InferenceError,
    InferRequest,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
    TensorMetadata,
)
from api.inference.reading import HEADER, read_request
from api.inference.tensors import answer_tensors, metadata
from api.operation import BINARY, JSON, VERSION, Bodies, documented, respond_with
from api.predict_routes import WAIT
from api.service import service

ROOT = "/v2"

routes = Blueprint("inference", __name__, url_prefix=ROOT)

EXTENSIONS = ["binary_tensor_data", "classification"]
PLATFORMS = {"onnx": "onnxruntime_onnx", "tensorflow": "tensorflow_keras"}

LENGTH = {
    "type": "integer",
    "minimum": 0,
    "maximum": payloads.MAX_BODY,
    "description": "How many bytes of the body are JSON; all of them, if this is not sent.",
}
BODIES: Bodies = {
    JSON: InferRequest,
    payloads.RAW_TYPES[0]: {
        "schema": {
            **BINARY,
            "description": f"the same JSON, {HEADER} bytes of it, and behind it the images as raw "
            f"bytes; or these alone, if that header is 0: {payloads.EXPECTED_EACH}",
        }
    },
}
ANSWERS: Bodies = {
    JSON: InferAnswer,
    payloads.RAW_TYPES[0]: {
        "schema": {
            **BINARY,
            "description": f"the same JSON, {HEADER} bytes of it, and behind it the outputs that "
            "were asked for as binary data",
        }
    },
}


@routes.get("")
@documented(ServerMetadata, problem=InferenceError)
def server() -> Response:
    """Say what this server is, in the Open Inference Protocol (V2)."""
    return respond_with(
        ServerMetadata(name="image-classifier", version=VERSION, extensions=EXTENSIONS)
    )


@routes.get("/health/live")
@documented(ServerLive, problem=InferenceError)
def live() -> Response:
    """Answer as long as the process can."""
    return respond_with(ServerLive(live=True))


@routes.get("/health/ready")
@documented(ServerReady, NotReady, problem=InferenceError)
def ready() -> Response:
    """Answer 200 if images are welcome, and 503 with the reason if not."""
    service().holder.check_ready()
    return respond_with(ServerReady(ready=True))


@routes.get("/models/<name>")
@routes.get("/models/<name>/versions/<version>", endpoint="model_version")
@documented(ModelMetadata, Absent, NotReady, problem=InferenceError)
def model(name: str, version: str = "") -> Response:
    """Say what the model takes and gives."""
    found = _serving(name, version)
    return respond_with(
        ModelMetadata(
            name=name,
            versions=[found.version],
            platform=PLATFORMS[found.classifier.runtime],
            inputs=[TensorMetadata(name=INPUT, datatype=INPUT_TYPE, shape=list(INPUT_SHAPE))],
            outputs=metadata(len(found.labels.classes)),
        )
    )


@routes.get("/models/<name>/ready")
@routes.get("/models/<name>/versions/<version>/ready", endpoint="model_version_ready")
@documented(ModelReady, Absent, NotReady, problem=InferenceError)
def model_ready(name: str, version: str = "") -> Response:
    """Answer 200 if images for the model are welcome, and 503 with the reason if not."""
    _serving(name, version)
    service().holder.check_ready()
    return respond_with(ModelReady(name=name, ready=True))


@routes.post("/models/<name>/infer")
@routes.post("/models/<name>/versions/<version>/infer", endpoint="infer_version")
@documented(
    ANSWERS,
    WrongLength,
    Invalid,
    Absent,
    TooLarge,
    WrongType,
    *WAIT,
    bodies=BODIES,
    problem=InferenceError,
    headers={HEADER: LENGTH},
)
def infer(name: str, version: str = "") -> Response:
    """Answer images with their classes, names, confidences and probabilities, as tensors."""
    _serving(name, version)
    asked, images = read_request(_body(), request.headers.get(HEADER))
    answers = ask(images)
    _require_version(version, answers[0].version)
    labels = labels_of(answers, asked.parameters.threshold)
    outputs, binary = answer_tensors(asked, answers, labels)
    document = {"model_name": name, "model_version": answers[0].version, "outputs": outputs}
    if asked.id is not None:
        document["id"] = asked.id
    return _with_binary(respond_with(InferAnswer.model_validate(document)), binary)


def _serving(name: str, version: str) -> Snapshot:
    known = service().model_name
    if name != known:
        raise Absent(f"there is no model {name}; there is {known}")
    found = service().holder.require()
    _require_version(version, found.version)
    return found


def _require_version(version: str, serving: str) -> None:
    if version not in ("", serving):
        raise Absent(f"version {version} does not serve; {serving} does")


def _body() -> bytes:
    kind = request.mimetype
    if kind != JSON and not payloads.is_raw(kind):
        raise WrongType(f"Content-Type is {kind}, and must be one of {', '.join(BODIES)}")
    return decoded(request.get_data(cache=False), request.headers.get("Content-Encoding", ""))


def _with_binary(response: Response, binary: bytes) -> Response:
    if binary:
        head = response.get_data()
        response.set_data(head + binary)
        response.headers[HEADER] = str(len(head))
        response.content_type = payloads.RAW_TYPES[0]
    return response

"""The routes that classify images."""

from flask import Blueprint, Request, Response, g, request

from api import payloads
from api.answers import Prediction, Predictions, Short
from api.asking import ask, ask_why, caller_gone, labels_of, note
from api.decoding import Upload
from api.errors import (
    CallerGone,
    Crowded,
    Invalid,
    NotReady,
    Overdue,
    Stopping,
    TooLarge,
    WrongLength,
    WrongType,
)
from api.forms import form_files
from api.holder import Answer
from api.operation import BINARY, Bodies, described, documented, respond_with
from api.schemas import ImagesDocument, PredictOptions
from api.service import service
from classifier.labels import Labels
from images import Images

routes = Blueprint("predict", __name__)

IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp")
FORM, JSON = "multipart/form-data", "application/json"
TYPES = (payloads.RAW_TYPES[0], *IMAGE_TYPES, FORM, JSON)

RAW: Bodies = {
    payloads.RAW_TYPES[0]: {"schema": {**BINARY, "description": payloads.EXPECTED}},
}
BODIES: Bodies = {
    payloads.RAW_TYPES[0]: {"schema": {**BINARY, "description": payloads.EXPECTED_EACH}},
    **{kind: {"schema": {**BINARY, "description": "one image file"}} for kind in IMAGE_TYPES},
    FORM: {
        "schema": {
            "type": "object",
            "description": "an image file in each part, whatever the parts are called",
            "properties": {"image": {"type": "array", "items": BINARY, "minItems": 1}},
            "required": ["image"],
            "additionalProperties": False,
        },
        "encoding": {"image": {"contentType": ", ".join(IMAGE_TYPES)}},
    },
    JSON: ImagesDocument,
}
WAIT = (NotReady, Crowded, Overdue, CallerGone, Stopping)


@routes.post("/")
@documented(Short, WrongLength, TooLarge, WrongType, *WAIT, bodies=RAW)
def classify() -> Response:
    """Answer the raw bytes of one image with the index of its class."""
    if g.begun.error is not None:
        raise g.begun.error
    request.max_content_length = payloads.MAX_SINGLE
    payloads.check_type(request.mimetype, request.headers.get("Content-Encoding", ""))
    image = payloads.single_image(request.get_data(cache=False))
    service().holder.require()
    answer = service().batcher.submit(
        image, service().request_timeout, caller_gone(request.environ)
    )
    note(image, [answer])
    return respond_with(Short(message=str(answer.index)))


@routes.post("/predict")
@described(WrongLength, Invalid, TooLarge, WrongType, *WAIT, bodies=BODIES)
def predict(options: PredictOptions) -> tuple[str, Predictions]:
    """Answer one image or several with their classes, names and confidences."""
    images = _images(request)
    answers, explanations = ask_why(images) if options.explain == "1" else (ask(images), [])
    labels = labels_of(answers, options.threshold)
    predictions = [_prediction(answer, labels, options.proba == "1") for answer in answers]
    for prediction, explanation in zip(predictions, explanations, strict=False):  # or none at all
        prediction.explanation = explanation
    return "one prediction for each image, in order", Predictions(
        version=answers[0].version, threshold=labels.threshold, predictions=predictions
    )


def _prediction(answer: Answer, labels: Labels, proba: bool) -> Prediction:
    prediction = Prediction(
        index=answer.index,
        label=labels.name(answer.index, answer.confidence),
        confidence=answer.confidence,
    )
    if proba:
        classes = zip(labels.classes, answer.probabilities.tolist(), strict=True)
        prediction.probabilities = dict(classes)
    return prediction


def _images(request: Request) -> Images:
    """The images of a body of any type that we take, uint8[N, 128, 128, 3].

    Raises:
        Refusal: it has none, too many, or others than we read.
    """
    payloads.check_coding(request.headers.get("Content-Encoding", ""))
    kind = request.mimetype
    if payloads.is_raw(kind):
        return payloads.raw_batch(request.get_data(cache=False))
    if kind in IMAGE_TYPES:
        uploads = [Upload("body", request.get_data(cache=False))]
    elif kind == JSON:
        files = ImagesDocument.read(request.get_data(cache=False)).images
        uploads = [Upload(f"body.images.{index}", data) for index, data in enumerate(files)]
    elif kind == FORM:
        boundary = request.mimetype_params.get("boundary", "")
        uploads = form_files(request.get_data(cache=False), boundary)
    else:
        raise WrongType(f"Content-Type is {kind}, and must be one of {', '.join(TYPES)}")
    payloads.check_count(len(uploads))
    return service().decoder.decode(uploads, service().request_timeout)

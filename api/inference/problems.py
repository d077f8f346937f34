"""How the protocol has it said why a request is not answered as it asked."""

from flask import Response, request

from api import problems
from api.inference.documents import InferenceError
from api.inference.routes import ROOT
from api.operation import JSON, respond_with


def answer_error(error: Exception) -> Response:
    """Answer whatever ended a request: below :data:`ROOT` as the protocol has it."""
    found = problems.answer_error(error)
    if request.path != ROOT and not request.path.startswith(f"{ROOT}/"):
        return found
    document = respond_with(InferenceError(error=found.get_json(force=True)["detail"]))
    found.set_data(document.get_data())
    found.content_type = JSON
    return found

"""Problem details (RFC 9457): how the service says why a request is not answered as it asked."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from alerts.alert import Alert
from api.accounts.errors import AccountsAway
from api.answers import Place, Problem
from api.errors import Fault, Overdue, Refusal
from api.operation import PROBLEM, metadata, respond_with
from api.service import service

logger = logging.getLogger(__name__)

LOCATIONS = {
    HTTPStatus.NOT_FOUND: "path",
    HTTPStatus.METHOD_NOT_ALLOWED: "method",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body",
}


def problem(
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] = MappingProxyType({}),
    error_id: str | None = None,
) -> Response:
    """The response that describes a problem.

    Args:
        status: the HTTP status.
        detail: a sentence that says what to change, or what is being done about it.
        faults: what is wrong with the request, each with its place.
        headers: what the response carries besides.
        error_id: under which the log has the cause.
    """
    response = respond_with(
        Problem.model_validate(
            {
                **metadata(detail, status),
                "type": "about:blank",
                "title": HTTPStatus(status).phrase,
                "status": status,
                "detail": detail,
                "errors": [Place(location=each.location, detail=each.detail) for each in faults],
                **({"error_id": error_id} if error_id else {}),
            }
        )
    )
    response.status_code = status
    response.content_type = PROBLEM
    response.headers.update(headers)
    return response


def answer_error(error: Exception) -> Response:
    """Make the JSON answer for whatever ended a request."""
    if isinstance(error, Overdue):
        service().alerts.send(Alert("overdue", "the model does not keep up", f"{error}."))
    if isinstance(error, AccountsAway):
        body = f"{error}. The log says why."
        service().alerts.send(Alert("accounts", "users cannot be looked up", body))
    if isinstance(error, Refusal):
        return problem(error.status, str(error), error.faults, error.headers)
    if isinstance(error, HTTPException):
        return _answer_http(error)
    return _answer_unforeseen(error)


def _answer_http(error: HTTPException) -> Response:
    """Say in a sentence of ours what Werkzeug found, and keep the headers that belong to it."""
    found = error.get_response()
    allowed = sorted(found.headers.get("Allow", "").split(", "))  # a set's order is a process's own
    sentences = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.path}; images go to POST /predict",
        HTTPStatus.METHOD_NOT_ALLOWED: (
            f"{request.path} takes {', '.join(allowed)}, not {request.method}"
        ),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
            f"the body is larger than {request.max_content_length:,} bytes"
        ),
    }
    sentence = sentences.get(HTTPStatus(found.status_code), str(error.description))
    location = LOCATIONS.get(HTTPStatus(found.status_code), "request")
    response = problem(found.status_code, sentence, [Fault(location, sentence)])
    for name in ("Allow", "Location"):
        response.headers.extend((name, value) for value in found.headers.getlist(name))
    return response


def _answer_unforeseen(error: Exception) -> Response:
    error_id = uuid.uuid4().hex
    facts = {"error_id": error_id, "request_id": g.get("request_id", "")}
    logger.error(
        "error %s in %s %s", error_id, request.method, request.path, exc_info=error, extra=facts
    )
    service().alerts.send(
        Alert(
            key=f"unexpected {type(error).__name__}",
            subject=f"unexpected {type(error).__name__} in {request.method} {request.path}",
            body=f"{error}\n\nThe log has the traceback beside error id {error_id}.",
        )
    )
    sentence = "an unexpected error, which has been reported"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, sentence, error_id=error_id)

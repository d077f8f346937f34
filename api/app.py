"""The Flask application, made of ready objects."""

import io
import logging
import uuid
from http import HTTPStatus
from typing import IO

from flask import Flask, Request, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from alerts.alert import Alert
from api import access, info_routes, model_routes, predict_routes
from api.envelope import envelope
from api.errors import Overdue, Refusal
from api.payloads import MAX_BODY
from api.service import Service, service

logger = logging.getLogger(__name__)


class InMemory(Request):
    """A request whose files stay in memory, where the body is already: none is left on a disk."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return io.BytesIO()


def create_app(behind: Service) -> Flask:
    """Make the application; it starts no thread and reads no environment."""
    app = Flask(__name__, static_folder=None)
    app.request_class = InMemory
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["service"] = behind
    app.register_blueprint(predict_routes.routes)
    app.register_blueprint(info_routes.routes)
    app.register_blueprint(model_routes.routes)
    app.register_error_handler(Exception, answer_error)
    access.install(app)
    return app


def answer_error(error: Exception) -> Response:
    """Make the JSON answer for whatever ended a request."""
    if isinstance(error, Overdue):
        service().alerts.send(Alert("overdue", "the model does not keep up", f"{error}."))
    if isinstance(error, Refusal):
        response = _answer(error.status, str(error))
        response.headers.update(error.headers)
        return response
    if isinstance(error, HTTPException):
        return _answer_http(error)
    return _answer_unforeseen(error)


def _answer_http(error: HTTPException) -> Response:
    """Say in a sentence of ours what Werkzeug found, and keep the headers that belong to it."""
    found = error.get_response()
    sentences = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.path}; images go to POST /",
        HTTPStatus.METHOD_NOT_ALLOWED: (
            f"{request.path} takes {found.headers.get('Allow')}, not {request.method}"
        ),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
            f"the body is larger than {request.max_content_length:,} bytes"
        ),
    }
    sentence = sentences.get(HTTPStatus(found.status_code), str(error.description))
    response = _answer(found.status_code, sentence)
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
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, sentence, error_id=error_id)


def _answer(status: int, sentence: str, **more: str) -> Response:
    response = jsonify({**envelope(sentence, status), "error": sentence, **more})
    response.status_code = status
    return response

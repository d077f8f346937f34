"""A name for every request, a line in the log, and a count."""

import logging
import re
import time
import uuid
from urllib.parse import quote

from flask import Flask, Response, g, request

from api.service import service

logger = logging.getLogger(__name__)

HEADER = "X-Request-Id"
SENT = re.compile(r"[\w.-]{1,64}", re.ASCII)


def install(app: Flask) -> None:
    """Let every request of ``app`` carry an id, leave a line and be counted."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.started = time.monotonic()
    g.version = ""  # of the model that answers, where one does
    sent = request.headers.get(HEADER, "")
    g.request_id = sent if SENT.fullmatch(sent) else uuid.uuid4().hex


def _end(response: Response) -> Response:
    seconds = time.monotonic() - g.started
    rule = request.url_rule.rule if request.url_rule else None
    service().metrics.count_request(rule, request.method, response.status_code, seconds)
    if audit := service().audit:
        audit.record(response.status_code, seconds)
    response.headers[HEADER] = g.request_id
    line(
        request.method,
        request.path,
        response.status_code,
        milliseconds=round(1000 * seconds, 1),
        request_id=g.request_id,
        version=g.version,
    )
    return response


def line(method: str, path: str, status: int, **facts: object) -> None:
    """Write the line of one request."""
    if not logger.isEnabledFor(logging.INFO):
        return
    # Quoted, as a line break in a path would let a caller write lines of the log.
    facts = {"method": method, "path": quote(path), "status": status, **facts}
    logger.info(" ".join(f"{name}={value}" for name, value in facts.items()), extra=facts)

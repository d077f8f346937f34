"""A name for every request, a line in the log, and a count."""

import contextlib
import logging
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from api.metrics import Metrics
from api.service import service

logger = logging.getLogger(__name__)

HEADER = "X-Request-Id"
SENT = re.compile(r"[\w.-]{1,64}", re.ASCII)

# Drawn without the kernel, which would have Python's lock change hands. They are no secrets.
_ids = random.Random()

BEGUN = "classifier.begun"
"""Where ``environ`` has a request that was begun before Flask got it."""


@dataclass
class Begun:
    """A request whose answer is to come.

    Attributes:
        method: as HTTP has it.
        path: without the query.
        request_id: what it is called.
        at: when it came, monotonic.
        error: why it cannot be answered, where that is known already.
    """

    method: str
    path: str
    request_id: str
    at: float
    error: Exception | None = None


def install(app: Flask) -> None:
    """Let every request of ``app`` carry an id, leave a line and be counted."""
    app.before_request(_begin)
    app.after_request(_end)


def name(sent: str) -> str:
    """The id of a request: what its caller ``sent``, if it can be one."""
    return sent if SENT.fullmatch(sent) else f"{_ids.getrandbits(128):032x}"


def note(metrics: Metrics, begun: Begun, rule: str | None, status: int, version: str) -> float:
    """Count a request that was answered, write its line, and return the seconds that it took.

    Args:
        metrics: where it is counted.
        begun: the request.
        rule: the rule of its route; None where it has none.
        status: of the answer.
        version: the model that answered; empty if none did.
    """
    seconds = time.monotonic() - begun.at
    metrics.count_request(rule, begun.method, status, seconds)
    line(
        begun.method,
        begun.path,
        status,
        milliseconds=round(1000 * seconds, 1),
        request_id=begun.request_id,
        version=version,
    )
    return seconds


def counter(app: Flask) -> Callable[[str, str, int], None]:
    """What counts a request that ``app`` never had, by its method, path and status."""
    metrics: Metrics = app.extensions["service"].metrics
    routes = app.url_map.bind("")

    def count(method: str, path: str, status: int) -> None:
        rule = None
        with contextlib.suppress(HTTPException):  # there is no such route
            rule = routes.match(path, method, return_rule=True)[0].rule
        metrics.count_refusal(rule, method, status)

    return count


def _begin() -> None:
    begun = request.environ.get(BEGUN)
    if begun is None:
        request_id = name(request.headers.get(HEADER, ""))
        begun = Begun(request.method, request.path, request_id, time.monotonic())
    g.begun, g.request_id = begun, begun.request_id
    g.version = ""  # of the model that answers, where one does


def _end(response: Response) -> Response:
    rule = request.url_rule.rule if request.url_rule else None
    status = response.status_code
    seconds = note(service().metrics, g.begun, rule, status, g.version)
    if audit := service().audit:
        audit.record(status, seconds)
    response.headers[HEADER] = g.request_id
    return response


def line(method: str, path: str, status: int, **facts: object) -> None:
    """Write the line of one request."""
    if not logger.isEnabledFor(logging.INFO):
        return
    # Quoted, as a line break in a path would let a caller write lines of the log.
    facts = {"method": method, "path": quote(path), "status": status, **facts}
    logger.info(" ".join(f"{name}={value}" for name, value in facts.items()), extra=facts)

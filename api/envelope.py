"""What every JSON answer carries besides its data, so that it can be told apart from any other.

``POST /`` alone answers in the short form that its first callers know.
"""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ParamSpec

from flask import Response, g, jsonify, request
from pydantic import BaseModel

P = ParamSpec("P")


def described(view: Callable[P, tuple[str, BaseModel | None]]) -> Callable[P, Response]:
    """Make the JSON answer of a view that returns a message and its data, if there is any."""

    @functools.wraps(view)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        message, data = view(*args, **kwargs)
        document = envelope(message, HTTPStatus.OK)
        if data is not None:
            document["data"] = data.model_dump(mode="json", exclude_unset=True)
        return jsonify(document)

    return answer


def envelope(message: str, status: int) -> dict[str, Any]:
    """The message of an answer, and which request it answers, when."""
    return {
        "message": message,
        "method": request.method,
        "status-code": int(status),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "url": request.url,
        "request-id": g.request_id,
    }

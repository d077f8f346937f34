"""Views that say what they take and answer, which makes both the answer and its description.

A view that is :func:`described` takes the parameters of its query as one model, and returns a
message with its data as another; every such answer says which request it answers. ``POST /`` alone
answers in the short form that its first callers know, and is only :func:`documented`.
"""

import functools
import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Response, g, request
from pydantic import BaseModel

from api.answers import Envelope, Metadata, Problem
from api.errors import Refusal
from api.schemas import Options

JSON = "application/json"
PROBLEM = "application/problem+json"
VERSION = "1"  # of this interface

Bodies = Mapping[str, Mapping[str, Any] | type[BaseModel]]
"""What a request may hold, by media type: a model, or how OpenAPI describes a media type."""

Headers = Mapping[str, Mapping[str, Any]]

# Made once, unlike Flask's. It writes half of a character, which a class may be called by, as JSON
# can and UTF-8 cannot.
ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)

NO_BODY: Bodies = MappingProxyType({})
NO_HEADERS: Headers = MappingProxyType({})

BINARY = {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class Operation:
    """What a view takes and answers.

    Attributes:
        summary: what it does, in a sentence.
        answer: the model of the answer, or an example of one that is no JSON; or, by media type,
            those that it may be.
        media_type: of the answer, if it is of one.
        options: the parameters of the query.
        bodies: what the request may hold.
        refusals: how a request may end otherwise.
        problem: the model of the answer then.
        headers: what the request may have in headers, by name, as OpenAPI describes it.
    """

    summary: str
    answer: type[BaseModel] | str | Bodies
    media_type: str = JSON
    options: type[Options] | None = None
    bodies: Bodies = field(default_factory=dict)
    refusals: tuple[type[Refusal], ...] = ()
    problem: type[BaseModel] = Problem
    headers: Headers = field(default_factory=dict)


class View:
    """A view function with its operation.

    Args:
        function: what Flask calls.
        operation: what it takes and answers.
    """

    def __init__(self, function: Callable[..., Response], operation: Operation) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self.operation = operation

    def __call__(self, **path: str) -> Response:
        """Answer the request."""
        return self._function(**path)


def documented(
    answer: type[BaseModel] | str | Bodies,
    *refusals: type[Refusal],
    media_type: str = JSON,
    bodies: Bodies = NO_BODY,
    problem: type[BaseModel] = Problem,
    headers: Headers = NO_HEADERS,
) -> Callable[[Callable[..., Response]], View]:
    """Say of a view that makes its own response what it answers."""

    def wrap(function: Callable[..., Response]) -> View:
        summary = _summary(function)
        return View(
            function,
            Operation(summary, answer, media_type, None, bodies, refusals, problem, headers),
        )

    return wrap


def described(
    *refusals: type[Refusal], bodies: Bodies = NO_BODY
) -> Callable[[Callable[..., tuple[str, BaseModel | None]]], View]:
    """Make the JSON answer of a view that returns a message and its data, if there is any.

    A parameter ``options`` of the view gets the query, checked against the model that it is
    annotated with.
    """

    def wrap(function: Callable[..., tuple[str, BaseModel | None]]) -> View:
        hints = typing.get_type_hints(function)
        options: type[Options] | None = hints.get("options")
        data = typing.get_args(hints["return"])[1]
        answer = Metadata if data in (None, type(None)) else Envelope[data]  # type: ignore[valid-type]

        @functools.wraps(function)
        def respond(**path: str) -> Response:
            found = {"options": options.read(request.args.to_dict(flat=False))} if options else {}
            message, data = function(**path, **found)
            more = {} if data is None else {"data": data}
            return respond_with(answer.model_validate(metadata(message, HTTPStatus.OK) | more))

        return View(respond, Operation(_summary(function), answer, JSON, options, bodies, refusals))

    return wrap


def respond_with(document: BaseModel) -> Response:
    """The JSON of a model."""
    content = document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return Response(ENCODER.encode(content) + "\n", content_type=JSON)


def metadata(message: str, status: int) -> dict[str, Any]:
    """What every answer says of the request that it answers."""
    return {
        "message": message,
        "method": request.method,
        "status_code": int(status),
        "timestamp": now(),
        "url": request.url,
        "request_id": g.request_id,
    }


def now() -> str:
    """The time, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _summary(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]

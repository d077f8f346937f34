"""The OpenAPI document of the service, made of what its views say of themselves.

``docs/decisions/0005-openapi.md`` says why by openapi-pydantic.
"""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask
from openapi_pydantic import (
    Info,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Response,
)
from openapi_pydantic.util import PydanticSchema, construct_open_api_with_schema_class
from pydantic import BaseModel
from werkzeug.routing import Rule

from api import operation
from api.answers import Problem
from api.operation import JSON, PROBLEM, View

TITLE = "Image classifier"


def document(app: Flask) -> dict[str, Any]:
    """The document that describes every view of ``app`` that says what it does."""
    paths: dict[str, dict[str, Operation]] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if isinstance(view, View):
            path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
            paths.setdefault(path, {}).update(_operations(rule, view.operation))
    described = OpenAPI(
        openapi="3.1.1",
        info=Info(title=TITLE, version=operation.VERSION),
        paths={path: PathItem.model_validate(paths[path]) for path in sorted(paths)},
    )
    whole = construct_open_api_with_schema_class(described)
    return whole.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


def _operations(rule: Rule, found: operation.Operation) -> dict[str, Operation]:
    methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    return {method.lower(): _operation(rule, method, found) for method in methods}


def _operation(rule: Rule, method: str, found: operation.Operation) -> Operation:
    return Operation(
        operationId=f"{method.lower()}_{rule.endpoint.replace('.', '_')}",
        summary=found.summary,
        parameters=list(_parameters(rule, found)),
        requestBody=_body(found.bodies) if found.bodies else None,
        responses=_responses(found),
    )


def _parameters(rule: Rule, found: operation.Operation) -> Iterator[Parameter]:
    for name in sorted(rule.arguments):
        schema = {"type": "string", "minLength": 1}
        yield Parameter.model_validate(
            {"name": name, "in": "path", "required": True, "schema": schema}
        )
    for name, header in found.headers.items():
        yield Parameter.model_validate({"name": name, "in": "header", "schema": header})
    properties = found.options.model_json_schema()["properties"] if found.options else {}
    for name, schema in properties.items():
        # What is not given is none, and no value stands for that.
        kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
        schema = {**schema, **(kinds[0] if kinds else {})}
        description = schema.pop("description", None)
        yield Parameter.model_validate(
            {"name": name, "in": "query", "description": description, "schema": schema}
        )


def _body(bodies: operation.Bodies) -> RequestBody:
    content = {kind: _media(each) for kind, each in bodies.items()}
    return RequestBody(required=True, content=content)


def _responses(found: operation.Operation) -> dict[str, Response | Reference]:
    responses: dict[str, Response | Reference] = {
        "200": Response(description="OK", content=_answers(found))
    }
    problem = {PROBLEM if found.problem is Problem else JSON: _media(found.problem)}
    statuses = {int(refusal.status) for refusal in found.refusals}
    for status in sorted({*statuses, 405, 500}):
        phrase = HTTPStatus(status).phrase
        responses[str(status)] = Response(description=phrase, content=problem)
    return responses


def _answers(found: operation.Operation) -> dict[str, MediaType]:
    if isinstance(found.answer, Mapping):
        return {kind: _media(each) for kind, each in found.answer.items()}
    if isinstance(found.answer, str):
        kind = "object" if found.media_type == JSON else "string"
        media = {"schema": {"type": kind}, "example": found.answer}
        return {found.media_type: MediaType.model_validate(media)}
    return {found.media_type: _media(found.answer)}


def _media(content: Mapping[str, Any] | type[BaseModel]) -> MediaType:
    if isinstance(content, Mapping):
        return MediaType.model_validate(content)
    model: PydanticSchema[BaseModel] = PydanticSchema.model_validate({"schema_class": content})
    return MediaType.model_validate({"schema": model})

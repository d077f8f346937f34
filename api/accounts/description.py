"""What the OpenAPI document says of accounts, where they are on."""

import re
from http import HTTPStatus
from typing import Any

from api.accounts.policy import Policy, need

SCHEME = "token"
HOW = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token from `POST /token`.",
}
ENDS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def secure(document: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """Say of every operation that needs a token that it does, and how it ends without one."""
    document["components"]["securitySchemes"] = {SCHEME: HOW}
    for path, item in document["paths"].items():
        rule = re.sub(r"\{(\w+)\}", r"<\1>", path)
        for method, operation in item.items():
            if need(policy, method.upper(), rule) != "anybody":
                operation["security"] = [{SCHEME: []}]
                _add_ends(operation["responses"])
    return document


def _add_ends(responses: dict[str, Any]) -> None:
    for status in ENDS:
        # Problems look alike, whatever they are about.
        end = {**responses["500"], "description": status.phrase}
        responses.setdefault(str(int(status)), end)

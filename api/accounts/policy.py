"""Who may ask for what, where accounts are on: whatever is not listed here is for nobody."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from api.accounts.settings import AccountsSettings
from database.models import Role

Need: TypeAlias = Literal["nobody", "anybody"] | Role
"""Whom a route is for: a role, and what is above it, or everybody, with or without a token."""

Policy: TypeAlias = Mapping[tuple[str, str], Need]
"""By the method and the rule of a route."""

PUBLIC = (
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/<name>"),
    ("GET", "/health"),
    ("GET", "/openapi.json"),
    ("GET", "/page/<name>"),
    ("GET", "/ready"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/v2/models/<name>/ready"),
    ("GET", "/v2/models/<name>/versions/<version>/ready"),
    ("POST", "/token"),
)

CALLERS = (
    ("GET", "/args"),
    ("GET", "/args/<arg>"),
    ("GET", "/feedback"),
    ("GET", "/info"),
    ("GET", "/init"),
    ("GET", "/labels"),
    ("GET", "/models"),
    ("GET", "/performance"),
    ("GET", "/requests"),
    ("GET", "/service-info"),
    ("GET", "/v2"),
    ("GET", "/v2/models/<name>"),
    ("GET", "/v2/models/<name>/versions/<version>"),
    ("POST", "/"),
    ("POST", "/feedback"),
    ("POST", "/init"),
    ("POST", "/predict"),
    ("POST", "/v2/models/<name>/infer"),
    ("POST", "/v2/models/<name>/versions/<version>/infer"),
)

OPERATORS = (
    ("GET", "/users"),
    ("PATCH", "/users/<name>"),
)


def make_policy(settings: AccountsSettings) -> Policy:
    """The policy that the settings ask for."""
    policy: dict[tuple[str, str], Need] = dict.fromkeys(PUBLIC, "anybody")
    policy |= dict.fromkeys(CALLERS, Role.CALLER)
    policy |= dict.fromkeys(OPERATORS, Role.OPERATOR)
    policy["POST", "/register-user"] = (
        "anybody" if settings.registration == "open" else Role.OPERATOR
    )
    policy["GET", "/metrics"] = "anybody" if settings.metrics == "public" else Role.OPERATOR
    return MappingProxyType(policy)


def need(policy: Policy, method: str, rule: str) -> Need:
    """Whom a request is for."""
    if method == "OPTIONS":  # which Flask answers by itself with the methods that there are
        return "anybody"
    return policy.get(("GET" if method == "HEAD" else method, rule), "nobody")

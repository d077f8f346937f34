"""What a request without a good token is told, and which user a good one makes known."""

import re
from pathlib import Path

import pytest
from flask import Flask, g

from api.accounts.accounts import Accounts
from api.accounts.users import Account
from tests.api.accounts.conftest import bearer
from tests.api.accounts.test_tokens import forgeries

# RFC 6750, 3: printable ASCII but for quotes and backslashes.
CHALLENGE = re.compile(
    r'Bearer realm="image-classifier"'
    r'(, error="(?P<error>\w+)"(, error_description="[\x20\x21\x23-\x5b\x5d-\x7e]+")?)?'
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database will do here."""
    return f"sqlite:///{tmp_path}/database.sqlite"


def challenge(app: Flask, **headers: str) -> tuple[int, str | None]:
    """The status, and the code of what is wrong."""
    answer = app.test_client().get("/info", headers=headers)
    found = CHALLENGE.fullmatch(answer.headers["WWW-Authenticate"])
    assert found, answer.headers["WWW-Authenticate"]
    assert answer.content_type == "application/problem+json"
    assert "header.Authorization" in answer.text
    return answer.status_code, found["error"]


def test_who_sends_nothing_is_told_what_to_send(app: Flask) -> None:
    assert challenge(app) == (401, None)
    assert "POST /token" in app.test_client().get("/info").json["detail"]  # type: ignore[index]


def test_another_scheme_is_none(app: Flask) -> None:
    for header in ("Basic YTpi", "Digest x", "bearerx y", "token"):
        assert challenge(app, Authorization=header) == (401, None)


def test_a_header_without_a_token_is_malformed(app: Flask) -> None:
    for header in ("Bearer", "Bearer ", "Bearer a b", "bearer a,b", "BEARER é"):
        assert challenge(app, Authorization=header) == (400, "invalid_request"), header


def test_a_token_is_read_from_the_header_alone(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    token = bearer(accounts, people["caller"])["Authorization"].removeprefix("Bearer ")
    client = app.test_client()
    client.set_cookie("access_token", token)
    assert client.get(f"/info?access_token={token}").status_code == 401
    assert client.post("/init", data={"access_token": token}).status_code == 401
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = client.get("/service-info", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 200


def test_forged_tokens_are_refused_over_http(app: Flask, people: dict[str, Account]) -> None:
    client = app.test_client()
    for token in forgeries()[::25]:
        if token.isprintable():
            answer = client.get("/info", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code in (400, 401), token


def test_the_user_is_known_to_the_view(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    seen: list[Account | None] = []
    app.before_request(lambda: seen.append(g.get("account")))
    client = app.test_client()
    client.get("/info", headers=bearer(accounts, people["caller"]))
    client.get("/health", headers=bearer(accounts, people["caller"]))
    assert seen == [people["caller"], None]


def test_a_caller_is_told_apart_from_an_operator(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    answer = app.test_client().get("/users", headers=bearer(accounts, people["caller"]))
    assert answer.status_code == 403
    assert CHALLENGE.fullmatch(answer.headers["WWW-Authenticate"])["error"] == "insufficient_scope"  # type: ignore[index]


def test_the_open_inference_protocol_has_its_own_form_and_the_same_headers(app: Flask) -> None:
    answer = app.test_client().post("/v2/models/classifier/infer")
    assert answer.status_code == 401
    assert set(answer.json) == {"error"}  # type: ignore[arg-type]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("changed", [{"request_rate": "2/hour"}])
def test_each_user_may_ask_so_often(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    client = app.test_client()

    def ask(who: str) -> int:
        return client.get("/service-info", headers=bearer(accounts, people[who])).status_code

    assert [ask("caller") for _ in range(3)] == [200, 200, 429]
    assert [ask("other") for _ in range(3)] == [200, 200, 429]
    answer = client.get("/info", headers=bearer(accounts, people["caller"]))
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert client.get("/health").status_code == 200

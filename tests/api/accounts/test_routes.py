"""Registering, logging in, and what operators do."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import delete
from werkzeug.test import TestResponse

from api.accounts.accounts import Accounts
from api.accounts.errors import NameTaken
from api.accounts.users import Account
from api.app import create_app
from api.service import Service
from database.database import Database
from database.models import Role, User
from tests.api.accounts.conftest import PASSWORD, bearer
from tests.api.accounts.counting import CountingHasher


def log_in(app: Flask, name: str, password: str = PASSWORD) -> TestResponse:
    return app.test_client().post("/token", json={"name": name, "password": password})


def register(app: Flask, headers: dict[str, str], **body: Any) -> TestResponse:
    return app.test_client().post("/register-user", json=body, headers=headers)


def test_who_registers_can_log_in_and_ask(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    headers = bearer(accounts, people["operator"])
    answer = register(app, headers, name="emil", password="päss word päss word")
    assert answer.status_code == 200
    assert answer.json["data"] | {"created": ""} == {  # type: ignore[index]
        "name": "emil",
        "role": "caller",
        "disabled": False,
        "created": "",
    }
    answer = log_in(app, "emil", "päss word päss word")
    assert answer.headers["Cache-Control"] == "no-store"
    data = answer.json["data"]  # type: ignore[index]
    assert (data["token_type"], data["expires_in"]) == ("Bearer", 3600)
    token = {"Authorization": f"{data['token_type']} {data['access_token']}"}
    assert app.test_client().get("/service-info", headers=token).status_code == 200
    assert app.test_client().get("/users", headers=token).status_code == 403


def test_a_name_is_given_once(app: Flask, accounts: Accounts, people: dict[str, Account]) -> None:
    headers = bearer(accounts, people["operator"])
    answer = register(app, headers, name="anna", password="another password")
    assert answer.status_code == 409
    assert answer.json["errors"][0]["location"] == "body.name"  # type: ignore[index]
    assert log_in(app, "anna", "another password").status_code == 401
    assert log_in(app, "anna").status_code == 200


WRONG: tuple[tuple[Any, str], ...] = (
    ({"name": "Emil", "password": PASSWORD}, "body.name"),
    ({"name": "e\u0301mil", "password": PASSWORD}, "body.name"),
    ({"name": "", "password": PASSWORD}, "body.name"),
    ({"name": "e" * 65, "password": PASSWORD}, "body.name"),
    ({"name": "emil\n", "password": PASSWORD}, "body.name"),
    ({"name": "emil", "password": "a" * 14}, "body.password"),
    ({"name": "emil", "password": "a" * 129}, "body.password"),
    ({"name": "emil", "password": 123456789012345}, "body.password"),
    ({"name": "emil"}, "body.password"),
    ({"name": "emil", "password": PASSWORD, "role": "operator"}, "body.role"),
)


def test_who_cannot_be_registered_is_told_why(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    headers = bearer(accounts, people["operator"])
    for body, location in WRONG:
        answer = register(app, headers, **body)
        assert answer.status_code == 400
        assert [each["location"] for each in answer.json["errors"]] == [location]  # type: ignore[index]
    assert len(accounts.users.all()) == 4


def test_a_password_is_in_no_answer(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    headers = bearer(accounts, people["operator"])
    secret = "a secret that is too long" * 10
    answers = [
        register(app, headers, name="emil", password=secret),
        register(app, headers, name="emil", password=secret[:100]),
        register(app, headers, name="emil", password=secret[:100]),
        log_in(app, "emil", secret),
        log_in(app, "emil", secret[:100]),
        log_in(app, "emil", secret[:99]),
        app.test_client().get("/users", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [400, 200, 409, 400, 200, 401, 200]
    assert not any("a secret" in answer.text or "argon2" in answer.text for answer in answers)


@pytest.mark.parametrize("path", ["/token", "/register-user"])
def test_what_is_no_document_is_refused(
    app: Flask, accounts: Accounts, people: dict[str, Account], path: str
) -> None:
    headers = bearer(accounts, people["operator"])

    def post(body: bytes) -> int:
        return app.test_client().post(path, data=body, headers=headers).status_code

    surrogate = b'{"name": "anna", "password": "\\ud800\\ud800\\ud800\\ud800\\ud800\\ud800"}'
    for body in (b"", b"{", b"[]", b"name=anna", surrogate * 3, surrogate, b"\xff"):
        assert post(body) == 400, body
    assert post(b" " * 5000) == 413


def test_an_unknown_name_costs_and_says_what_a_wrong_password_does(
    app: Flask, people: dict[str, Account], hasher: CountingHasher
) -> None:
    """As much work: one check of a password, against hashes with the same parameters."""
    seen = []
    for name, password in (
        ("nobody", PASSWORD),
        ("anna", PASSWORD + "x"),
        ("dora", PASSWORD + "x"),
        ("dora", PASSWORD),  # who is disabled
    ):
        hasher.checks.clear()
        answer = log_in(app, name, password)
        document = json.loads(answer.data)
        for own in ("request-id", "timestamp"):
            document.pop(own)
        headers = {key: value for key, value in answer.headers if key != "X-Request-Id"}
        parameters = [str(kept).split("$")[1:4] for kept in hasher.checks]
        seen.append((answer.status_code, document, headers, parameters))
    assert seen[0][0] == 401
    assert len(seen[0][3]) == 1
    assert all(each == seen[0] for each in seen)


def test_who_comes_while_passwords_are_checked_is_told_to_come_back(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    with accounts.passwords._turn(), accounts.passwords._turn():
        answer = log_in(app, "anna")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert log_in(app, "anna").status_code == 200


def test_a_body_that_is_refused_costs_no_check(app: Flask, hasher: CountingHasher) -> None:
    assert log_in(app, "anna", "x" * 129).status_code == 400
    assert hasher.checks == []


def test_operators_list_and_change_others(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    client, headers = app.test_client(), bearer(accounts, people["operator"])
    found = client.get("/users", headers=headers).json["data"]["users"]  # type: ignore[index]
    assert [each["name"] for each in found] == ["anna", "bert", "dora", "olga"]

    def change(user: str, **values: Any) -> TestResponse:
        return client.patch(f"/users/{user}", json=values, headers=headers)

    assert change("anna", role="operator").json["data"]["role"] == "operator"  # type: ignore[index]
    assert client.get("/users", headers=bearer(accounts, people["caller"])).status_code == 200
    assert change("anna", role="caller").status_code == 200
    assert client.get("/users", headers=bearer(accounts, people["caller"])).status_code == 403
    assert change("nobody", disabled=True).status_code == 404
    assert change("an%00na", disabled=True).status_code == 404
    assert change("anna").status_code == 400
    assert change("anna", disabled=None).status_code == 400
    assert change("anna", disabled=0, role="caller").status_code == 400
    assert change("anna", role="root").status_code == 400
    assert change("anna", name="other").status_code == 400


def test_who_is_disabled_is_refused_at_once_with_a_good_token(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    client, anna = app.test_client(), bearer(accounts, people["caller"])
    assert client.get("/service-info", headers=anna).status_code == 200

    def change(disabled: bool) -> None:
        headers = bearer(accounts, people["operator"])
        answer = client.patch("/users/anna", json={"disabled": disabled}, headers=headers)
        assert answer.status_code == 200

    change(disabled=True)
    answer = client.get("/service-info", headers=anna)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert log_in(app, "anna").status_code == 401
    change(disabled=False)
    assert client.get("/service-info", headers=anna).status_code == 200


def test_a_new_password_ends_the_tokens_of_the_old_one(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    """Which are known to be good still, as the command has changed it by way of the database."""

    def ask(token: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"}
        return app.test_client().get("/service-info", headers=headers)

    def token(password: str) -> str:
        found: str = log_in(app, "anna", password).json["data"]["access_token"]  # type: ignore[index]
        return found

    before = token(PASSWORD)
    assert ask(before).status_code == 200
    accounts.users.change("anna", password_hash=accounts.passwords.hash("another password"))
    assert ask(token("another password")).status_code == 200
    answer = ask(before)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert "the password has changed since: log in again" in answer.text
    assert ask(bearer(accounts, people["other"])["Authorization"][7:]).status_code == 200


def test_who_gets_the_id_of_a_user_who_was_deleted_gets_not_its_tokens(
    app: Flask, accounts: Accounts, database: Database
) -> None:
    """As SQLite gives the last id again, if somebody deletes the row behind our back."""
    kept = accounts.passwords.hash(PASSWORD)
    anna = accounts.users.add("anna", kept)
    with database.session() as session:
        session.execute(delete(User).where(User.id == anna.id))
    headers = bearer(accounts, anna)
    accounts.users.add("bert", accounts.passwords.hash(PASSWORD), Role.OPERATOR)
    assert app.test_client().get("/users", headers=headers).status_code == 401


def test_a_name_that_several_ask_for_at_once_is_given_once(accounts: Accounts) -> None:
    gate = threading.Barrier(4)

    def add(_: int) -> str:
        gate.wait(60)
        try:
            return accounts.users.add("emil", "hash").name
        except NameTaken:
            return ""

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == ["", "", "", "emil"]


def test_the_same_password_set_anew_ends_tokens_too(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    before = bearer(accounts, people["caller"])
    accounts.users.change("anna", password_hash=accounts.passwords.hash(PASSWORD))
    assert app.test_client().get("/service-info", headers=before).status_code == 401


def test_an_operator_cannot_put_itself_out(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    """So that there is one left."""
    headers = bearer(accounts, people["operator"])
    for change in ({"disabled": True}, {"role": "caller"}):
        answer = app.test_client().patch("/users/olga", json=change, headers=headers)
        assert answer.status_code == 403


OPEN = pytest.mark.parametrize(
    "changed", [{"registration": "open", "login_rate": "3/hour", "proxies": 1}]
)


@OPEN
def test_anybody_may_register_as_a_caller_where_settings_say_so(app: Flask) -> None:
    answer = register(app, {}, name="emil", password=PASSWORD)
    assert answer.json["data"]["role"] == "caller"  # type: ignore[index]
    assert log_in(app, "emil").status_code == 200


@OPEN
def test_an_address_and_a_name_may_be_tried_so_often(app: Flask, hasher: CountingHasher) -> None:
    def ask(name: str, address: str) -> int:
        headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
        body = {"name": name, "password": PASSWORD}
        return app.test_client().post("/token", json=body, headers=headers).status_code

    assert [ask(f"user{n}", "1.2.3.4") for n in range(5)] == [401, 401, 401, 429, 429]
    assert [ask("anna", f"1.2.3.{n}") for n in range(5, 10)] == [401, 401, 401, 429, 429]
    assert len(hasher.checks) == 6


@OPEN
def test_registrations_count_as_well(app: Flask) -> None:
    answers = [register(app, {}, name=f"user{n}", password=PASSWORD) for n in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_the_description_says_who_needs_a_token(app: Flask, accounts: Accounts) -> None:
    document: Any = app.test_client().get("/openapi.json").json
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    open_to_all = {
        (path, method)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "security" not in operation
    }
    assert ("/token", "post") in open_to_all
    assert ("/register-user", "post") not in open_to_all
    secured = document["paths"]["/predict"]["post"]
    assert secured["security"] == [{"token": []}]
    assert {"401", "403", "429", "503"} <= set(secured["responses"])


def test_without_accounts_the_description_says_nothing_of_them(service: Service) -> None:
    document: Any = create_app(service).test_client().get("/openapi.json").json
    assert "securitySchemes" not in document["components"]
    assert "/token" not in document["paths"]


def test_a_token_says_nothing_but_who_by_which_password_and_when(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    token = log_in(app, "anna").json["data"]["access_token"]  # type: ignore[index]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub"] == str(people["caller"].id)
    assert set(claims) == {"aud", "exp", "iat", "iss", "stamp", "sub"}
    assert claims["exp"] - claims["iat"] == 3600

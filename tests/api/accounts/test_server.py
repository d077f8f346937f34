"""A server with accounts: it is as its description says, and counts whom a proxy tells of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask
from openapi_pydantic import OpenAPI

from api.accounts.accounts import Accounts
from api.accounts.users import Account
from api.app import PROBES
from tests.api.accounts.conftest import bearer
from tests.api.described import check_as_described
from tests.api.served import served


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database will do here."""
    return f"sqlite:///{tmp_path}/database.sqlite"


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """Where the service runs."""
    with served(app, PROBES) as url:
        yield url


def test_the_document_is_valid(app: Flask) -> None:
    OpenAPI.model_validate(app.test_client().get("/openapi.json").json)


@pytest.mark.parametrize("changed", [{"proxies": 1, "login_rate": "2/hour"}])
def test_the_address_that_a_proxy_tells_reaches_the_count(url: str) -> None:
    def ask(name: str, address: str) -> int:
        body, headers = {"name": name, "password": "x"}, {"X-Forwarded-For": f"6.6.6.6, {address}"}
        return requests.post(f"{url}/token", json=body, headers=headers, timeout=60).status_code

    asked = [ask(f"user{number}", "1.2.3.4") for number in range(3)]
    assert [*asked, ask("anna", "1.2.3.5")] == [401, 401, 429, 401]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("changed", [{"request_rate": "1000000/minute"}])
def test_schemathesis_finds_accounts_as_described(
    url: str, tmp_path: Path, accounts: Accounts, people: dict[str, Account]
) -> None:
    token = bearer(accounts, people["operator"])["Authorization"]
    within = "--include-path-regex=^/(token|register-user|users|service-info|init)"
    check_as_described(url, tmp_path, 10, within, f"--header=Authorization: {token}")

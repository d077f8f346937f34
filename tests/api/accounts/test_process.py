"""The service as a process: accounts on, and off."""

import re
from pathlib import Path

import pytest
import requests

from api.accounts.accounts import Accounts
from api.accounts.users import Account
from tests.api.accounts.conftest import KEY, PASSWORD
from tests.api.processes import WITHIN, Process

HEAVY = {"alembic", "argon2", "jwt", "limits", "psycopg", "sqlalchemy"}


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """One kind of database will do here."""
    return postgresql_url


def test_the_service_asks_for_tokens_and_gives_them(
    tmp_path: Path, database_url: str, accounts: Accounts, people: dict[str, Account]
) -> None:
    on = {"ACCOUNTS_ENABLED": "true", "ACCOUNTS_SECRET_KEYS": KEY, "DATABASE_URL": database_url}
    with Process(tmp_path, **on) as service:
        service.wait_for("/health")

        def ask(method: str, path: str, token: str = "", **body: str) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return requests.request(
                method, service.url + path, json=body or None, headers=headers, timeout=WITHIN
            )

        answer = ask("POST", "/token", name="anna", password=PASSWORD)
        token = answer.json()["data"]["access_token"]
        assert ask("GET", "/service-info").status_code == 401
        assert ask("GET", "/service-info", token).status_code == 200
        assert ask("GET", "/users", token).status_code == 403
        assert ask("POST", "/").status_code == 401
        assert ask("POST", "/", token).status_code in (400, 415, 503)
        accounts.users.change("anna", disabled=True)
        assert ask("POST", "/token", name="anna", password=PASSWORD).status_code == 401
    for secret in (KEY, PASSWORD, token, "argon2"):
        assert secret not in service.log


def test_off_they_cost_nothing(tmp_path: Path) -> None:
    with Process(tmp_path, PYTHONPROFILEIMPORTTIME="1") as service:
        service.wait_for("/health")
        assert requests.post(f"{service.url}/token", timeout=WITHIN).status_code == 404
        assert requests.get(f"{service.url}/openapi.json", timeout=WITHIN).status_code == 200
    imported = set(re.findall(r"^import time:.*\| +(\w+)", service.log, re.MULTILINE))
    assert "flask" in imported
    assert imported & HEAVY == set()

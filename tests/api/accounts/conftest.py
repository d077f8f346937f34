from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from pydantic import SecretStr

from api.accounts.accounts import Accounts, open_accounts
from api.accounts.settings import AccountsSettings
from api.accounts.users import Account
from api.app import create_app
from api.service import Service
from database.database import Database
from database.models import Role
from tests.api.accounts.counting import CountingHasher

KEY = "the key of the tests is long enough"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def hasher() -> CountingHasher:
    """One that costs nothing."""
    return CountingHasher(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def changed() -> dict[str, Any]:
    """The settings that a test has otherwise, by `parametrize`."""
    return {}


@pytest.fixture
def accounts_settings(changed: dict[str, Any]) -> AccountsSettings:
    settings = {"enabled": True, "secret_keys": SecretStr(KEY), "login_rate": "1000/minute"}
    return AccountsSettings(**(settings | changed))


@pytest.fixture
def accounts(
    accounts_settings: AccountsSettings, database: Database, hasher: CountingHasher
) -> Accounts:
    return open_accounts(accounts_settings, database, hasher)


@pytest.fixture
def people(accounts: Accounts) -> dict[str, Account]:
    """A user of each kind, all with the same password."""
    kept = accounts.passwords.hash(PASSWORD)
    people = {
        "caller": accounts.users.add("anna", kept),
        "other": accounts.users.add("bert", kept),
        "operator": accounts.users.add("olga", kept, Role.OPERATOR),
        "disabled": accounts.users.add("dora", kept, Role.OPERATOR),
    }
    accounts.users.change("dora", disabled=True)
    return people


@pytest.fixture
def app(service: Service, accounts: Accounts) -> Flask:
    """The application with accounts."""
    return create_app(replace(service, accounts=accounts))


def bearer(accounts: Accounts, account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {accounts.tokens.issue(account.id, account.stamp)}"}

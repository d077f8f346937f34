"""The command: the first operator, and what operators may."""

import io
import re

import pytest

from api.accounts.__main__ import main
from api.accounts.accounts import Accounts
from api.accounts.errors import NameTaken
from api.errors import Absent, Invalid
from database.models import Role
from tests.api.accounts.conftest import PASSWORD


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch, database_url: str, accounts: Accounts) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr("api.accounts.__main__.configure", lambda settings: None)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = PASSWORD) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    assert main(arguments) == 0


def test_users_are_made_and_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], accounts: Accounts
) -> None:
    run(monkeypatch, "add", "olga", "--role", "operator")
    run(monkeypatch, "add", "anna")
    run(monkeypatch, "disable", "anna")
    run(monkeypatch, "password", "olga", typed="another password")
    run(monkeypatch, "list")
    shown = re.sub(r"since \S+", "since", capsys.readouterr().out).splitlines()
    assert shown == [
        "olga  operator  enabled  since",
        "anna  caller  enabled  since",
        "anna  caller  disabled  since",
        "olga  operator  enabled  since",
        "anna  caller  disabled  since",
        "olga  operator  enabled  since",
    ]
    olga, kept = accounts.users.login("olga") or pytest.fail("she is not there")
    assert olga.role is Role.OPERATOR
    assert accounts.passwords.matches("another password", kept)
    run(monkeypatch, "enable", "anna")
    anna, kept = accounts.users.login("anna") or pytest.fail("she is not there")
    assert not anna.disabled
    assert accounts.passwords.matches(PASSWORD, kept)


def test_what_cannot_be_done_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "add", "anna")
    with pytest.raises(NameTaken):
        run(monkeypatch, "add", "anna")
    with pytest.raises(Invalid, match=r"body.password: .* at least 15"):
        run(monkeypatch, "add", "bert", typed="short")
    with pytest.raises(Invalid, match=r"body\.name"):
        run(monkeypatch, "add", "Bert")
    with pytest.raises(Absent, match="there is no user bert"):
        run(monkeypatch, "disable", "bert")

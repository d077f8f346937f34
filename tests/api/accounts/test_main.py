"""The command: the first operator, and what operators may."""

import io
import os
import pty
import re
import subprocess
import sys

import pytest

from api.accounts.__main__ import main
from api.accounts.accounts import Accounts
from api.accounts.errors import NameTaken
from api.errors import Absent, Invalid
from database.models import Role
from tests.api.accounts.conftest import PASSWORD

END = "\x04"  # Ctrl-D


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


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ((PASSWORD, PASSWORD), 0, "olga  caller  enabled"),
        ((PASSWORD, "another password"), 2, "these are two passwords: type the same one twice"),
        ((PASSWORD, END), 2, "there is no password: type one"),
    ],
)
def test_at_a_terminal_a_password_is_typed_twice(
    database_url: str, typed: tuple[str, str], code: int, said: str
) -> None:
    ours, theirs = pty.openpty()
    with open(ours, "wb", buffering=0) as keyboard, open(theirs, "rb") as terminal:  # noqa: PTH123
        process = subprocess.Popen(
            [sys.executable, "-m", "api.accounts", "add", "olga"],
            env={**os.environ, "DATABASE_URL": database_url},
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # or it would ask at the terminal of the tests
        )
        with process:
            assert process.stdout is not None
            for prompt, answer in zip(("password: ", "once more: "), typed, strict=True):
                shown = ""
                while not shown.endswith(prompt):
                    letter = process.stdout.read(1)
                    assert letter, shown
                    shown += letter.decode()
                keyboard.write(answer.encode() if answer == END else f"{answer}\n".encode())
            rest = process.stdout.read().decode()
    assert process.returncode == code
    assert said in rest
    assert "Traceback" not in rest

"""The command for accounts: make the first operator, and do what operators may.

python -m api.accounts list
python -m api.accounts add NAME [--role operator]
python -m api.accounts password NAME
python -m api.accounts disable NAME
python -m api.accounts enable NAME

A password is asked for on a terminal, and else read from the first line of standard input.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence

from argon2 import PasswordHasher

from api.accounts.documents import Registration
from api.accounts.users import Account, Users
from database.database import open_database
from database.models import Role
from database.settings import DatabaseSettings
from process.command import run, subcommands
from process.errors import UsageError
from process.logs import LogSettings, configure
from process.settings import command_parser, read


def main(argv: Sequence[str]) -> int:
    """Run one of the commands and return 0."""
    arguments = _parser().parse_args(argv)
    configure(read(LogSettings))
    database = open_database(read(DatabaseSettings))
    try:
        command: Callable[[Users, argparse.Namespace], Sequence[Account]] = arguments.command
        for account in command(Users(database), arguments):
            state = "disabled" if account.disabled else "enabled"
            created = account.created.isoformat(timespec="seconds")
            sys.stdout.write(f"{account.name}  {account.role}  {state}  since {created}\n")
    finally:
        database.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "api.accounts", "See and change who may ask the service.", [DatabaseSettings, LogSettings]
    )
    add = subcommands(parser)
    add("list", _list, "list every user")
    adding = add("add", _add, "make a user")
    adding.add_argument("--role", type=Role, choices=list(Role), default=Role.CALLER)
    for changing in (
        adding,
        add("password", _password, "give a user another password"),
        add("disable", _disable, "let a user do nothing any more"),
        add("enable", _enable, "let a user who was disabled ask again"),
    ):
        changing.add_argument("name", metavar="NAME")
    return parser


def _list(users: Users, _arguments: argparse.Namespace) -> Sequence[Account]:
    return users.all()


def _add(users: Users, arguments: argparse.Namespace) -> Sequence[Account]:
    return [users.add(arguments.name, _ask_password(arguments.name), arguments.role)]


def _password(users: Users, arguments: argparse.Namespace) -> Sequence[Account]:
    return [users.change(arguments.name, password_hash=_ask_password(arguments.name))]


def _disable(users: Users, arguments: argparse.Namespace) -> Sequence[Account]:
    return [users.change(arguments.name, disabled=True)]


def _enable(users: Users, arguments: argparse.Namespace) -> Sequence[Account]:
    return [users.change(arguments.name, disabled=False)]


def _ask_password(name: str) -> str:
    """The hash of a new password, which is as registration asks for it."""
    if sys.stdin.isatty():
        try:
            password, again = getpass.getpass("password: "), getpass.getpass("once more: ")
        except EOFError:
            raise UsageError("there is no password: type one") from None
        if password != again:
            raise UsageError("these are two passwords: type the same one twice")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    asked = Registration.read(json.dumps({"name": name, "password": password}).encode())
    return PasswordHasher().hash(asked.password)


if __name__ == "__main__":
    sys.exit(run("api.accounts", main))

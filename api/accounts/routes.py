"""The routes about accounts, which are there where accounts are on."""

import re
from typing import cast

from flask import Blueprint, Response, after_this_request, g, request

from api.accounts.accounts import Accounts
from api.accounts.documents import NAME, Change, Login, People, Person, Registration, TokenAnswer
from api.accounts.errors import (
    AccountsAway,
    Forbidden,
    NameTaken,
    TooBusy,
    TooOften,
    WrongPassword,
)
from api.accounts.rates import network
from api.accounts.users import Account
from api.errors import Absent, Invalid, TooLarge
from api.operation import JSON, described
from api.service import service
from database.models import Role

MAX_BODY = 4096  # bytes

routes = Blueprint("accounts", __name__)


@routes.post("/register-user")
@described(
    Invalid, TooLarge, NameTaken, TooOften, TooBusy, AccountsAway, bodies={JSON: Registration}
)
def register() -> tuple[str, Person]:
    """Make an account for a caller."""
    asked = Registration.read(_body())
    _count(asked.name)
    password_hash = accounts().passwords.hash(asked.password)
    return "registered", _person(accounts().users.add(asked.name, password_hash))


@routes.post("/token")
@described(Invalid, TooLarge, WrongPassword, TooOften, TooBusy, AccountsAway, bodies={JSON: Login})
def log_in() -> tuple[str, TokenAnswer]:
    """Give a token for a name and a password."""
    asked = Login.read(_body())
    _count(asked.name)
    found = accounts().users.login(asked.name)
    account, kept = found or (None, None)
    # Always checked, so that the time it takes does not tell which names there are.
    if not accounts().passwords.matches(asked.password, kept) or not account or account.disabled:
        raise WrongPassword("no user has this name and this password")
    after_this_request(_keep_nowhere)
    tokens = accounts().tokens
    return "send it as `Authorization: Bearer <access_token>`", TokenAnswer(
        access_token=tokens.issue(account.id, account.stamp),
        token_type="Bearer",
        expires_in=tokens.seconds,
    )


@routes.get("/users")
@described(AccountsAway)
def users() -> tuple[str, People]:
    """List every user, for operators."""
    found = [_person(account) for account in accounts().users.all()]
    return "every user", People(users=found)


@routes.patch("/users/<name>")
@described(Invalid, TooLarge, Forbidden, Absent, AccountsAway, bodies={JSON: Change})
def change(name: str) -> tuple[str, Person]:
    """Give a user another role, or disable it, or let it ask again."""
    asked = Change.read(_body())
    if not re.fullmatch(NAME, name):  # which a database may be unable to look for
        raise Absent(f"there is no user {name}")
    if name == g.account.name:  # so that one operator is left
        raise Forbidden("let another operator change your account")
    values = asked.model_dump(exclude_none=True)
    if asked.role:
        values["role"] = Role(asked.role)
    account = accounts().users.change(name, **values)
    accounts().recent.forget(account.id)
    return "changed", _person(account)


def accounts() -> Accounts:
    """The accounts of the application that answers the current request."""
    return cast(Accounts, service().accounts)


def _body() -> bytes:
    request.max_content_length = MAX_BODY
    return request.get_data(cache=False)


def _count(name: str) -> None:
    """Count a try, first of the address: or else one could use up all names."""
    forwarded = request.headers.get("X-Forwarded-For", "").replace(" ", "").split(",")
    route = [address for address in forwarded if address]
    remote = request.remote_addr or ""
    accounts().logins.count("address", network(route, remote, accounts().proxies))
    accounts().logins.count("name", name)


def _person(account: Account) -> Person:
    return Person(
        name=account.name,
        role=account.role.value,
        disabled=account.disabled,
        created=account.created.isoformat(timespec="seconds"),
    )


def _keep_nowhere(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response

"""What every request passes before its view: who asks, how often, and whether this one may."""

import re

from flask import Flask, g, request

from api.accounts.accounts import Accounts
from api.accounts.errors import Forbidden, Malformed, Unauthenticated
from api.accounts.policy import Need, need
from api.accounts.tokens import BadToken
from api.accounts.users import Account
from database.models import Role

SEND = "send `Authorization: Bearer <token>` with a token from POST /token"


def install(app: Flask, accounts: Accounts) -> None:
    """Let nobody past to a view of ``app`` that the policy does not let past."""

    def guard() -> None:
        if request.url_rule is None:
            return  # there is no such route, as will be answered
        needed = need(accounts.policy, request.method, request.url_rule.rule)
        if needed == "anybody":
            return
        g.account = authenticate(accounts, request.headers.get("Authorization", ""))
        accounts.requests.count("user", g.account.name)
        authorise(g.account, needed)

    app.before_request(guard)


def authenticate(accounts: Accounts, header: str) -> Account:
    """The user whose token a header has.

    Raises:
        Unauthenticated: there is none that is good, or its user is disabled.
        AccountsAway: the database cannot say.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(SEND)
    if not re.fullmatch(r"[\w.~+/-]+=*", token := token.strip(" "), re.ASCII):  # RFC 6750, 2.1
        raise Malformed(SEND, "invalid_request")
    try:
        user_id, stamp = accounts.tokens.read(token)
        account = accounts.recent.get(user_id, stamp)
    except BadToken as error:
        raise Unauthenticated(str(error), "invalid_token") from None
    if account is None or account.disabled:
        raise Unauthenticated("the user of this token is disabled", "invalid_token")
    if account.stamp != stamp:
        raise Unauthenticated("the password has changed since: log in again", "invalid_token")
    return account


def authorise(account: Account, needed: Need) -> None:
    """Check that a user may ask for what a route needs.

    Raises:
        Forbidden: no.
    """
    if needed == "nobody":
        raise Forbidden("this is for nobody while accounts are on")
    if needed is Role.OPERATOR and account.role is not Role.OPERATOR:
        raise Forbidden("this is for operators")

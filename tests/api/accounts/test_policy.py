"""Every route with every kind of caller; a route that is not listed here fails."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from flask import Flask

from api.accounts.accounts import Accounts
from api.accounts.policy import make_policy
from api.accounts.settings import AccountsSettings
from api.accounts.users import Account
from api.app import create_app
from api.service import Service
from database.models import Role

# From whom each route is answered with something else than 401 and 403.
ANYBODY = {"nobody", "forger", "expired", "stranger", "disabled", "caller", "operator"}
CALLERS = {"caller", "operator"}
OPERATORS = {"operator"}

EXPECTED = {
    ("GET", "/"): ANYBODY,
    ("POST", "/"): CALLERS,
    ("GET", "/args"): CALLERS,
    ("GET", "/args/<arg>"): CALLERS,
    ("GET", "/docs"): ANYBODY,
    ("GET", "/docs/<name>"): ANYBODY,
    ("GET", "/feedback"): CALLERS,
    ("POST", "/feedback"): CALLERS,
    ("GET", "/health"): ANYBODY,
    ("GET", "/info"): CALLERS,
    ("GET", "/init"): CALLERS,
    ("POST", "/init"): CALLERS,
    ("GET", "/labels"): CALLERS,
    ("GET", "/metrics"): ANYBODY,
    ("GET", "/models"): CALLERS,
    ("GET", "/openapi.json"): ANYBODY,
    ("GET", "/page/<name>"): ANYBODY,
    ("GET", "/performance"): CALLERS,
    ("POST", "/predict"): CALLERS,
    ("GET", "/ready"): ANYBODY,
    ("POST", "/register-user"): OPERATORS,
    ("GET", "/requests"): CALLERS,
    ("GET", "/service-info"): CALLERS,
    ("POST", "/token"): ANYBODY,
    ("GET", "/users"): OPERATORS,
    ("PATCH", "/users/<name>"): OPERATORS,
    ("GET", "/v2"): CALLERS,
    ("GET", "/v2/health/live"): ANYBODY,
    ("GET", "/v2/health/ready"): ANYBODY,
    ("GET", "/v2/models/<name>"): CALLERS,
    ("POST", "/v2/models/<name>/infer"): CALLERS,
    ("GET", "/v2/models/<name>/ready"): ANYBODY,
    ("GET", "/v2/models/<name>/versions/<version>"): CALLERS,
    ("POST", "/v2/models/<name>/versions/<version>/infer"): CALLERS,
    ("GET", "/v2/models/<name>/versions/<version>/ready"): ANYBODY,
}


def routes(app: Flask) -> set[tuple[str, str]]:
    """The methods and rules of an application, without what comes by itself."""
    rules = app.url_map.iter_rules()
    found = {(method, rule.rule) for rule in rules for method in rule.methods or ()}
    return {each for each in found if each[0] not in ("HEAD", "OPTIONS")}


def tokens(accounts: Accounts, people: dict[str, Account]) -> dict[str, str]:
    """A token of each kind of caller; none for nobody."""
    past = datetime.now(UTC) - timedelta(seconds=accounts.tokens.seconds + 60)
    stamp = people["operator"].stamp  # of the same password as all have

    def token(user_id: int, now: datetime | None = None) -> str:
        return accounts.tokens.issue(user_id, stamp, now)

    good = token(people["operator"].id)
    return {
        "nobody": "",
        "forger": good[:-8] + "AAAAAAAA",
        "expired": token(people["operator"].id, past),
        "stranger": token(987654321),
        "disabled": token(people["disabled"].id),
        "caller": token(people["caller"].id),
        "operator": good,
    }


def test_every_route_is_listed_above_and_in_the_policy(app: Flask, accounts: Accounts) -> None:
    assert routes(app) == EXPECTED.keys()
    assert accounts.policy.keys() == EXPECTED.keys()


def test_every_route_answers_those_whom_it_is_for(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    client = app.test_client()
    sent = tokens(accounts, people)
    assert sent.keys() == ANYBODY
    for (method, rule), who in product(sorted(EXPECTED), sorted(ANYBODY)):
        headers = {"Authorization": f"Bearer {sent[who]}"} if sent[who] else {}
        for asked in {method, {"GET": "HEAD"}.get(method, method)}:
            answer = client.open(re.sub("<.*?>", "x", rule), method=asked, headers=headers)
            refusal = 403 if who in CALLERS else 401
            expected = who in EXPECTED[method, rule]
            assert (answer.status_code not in (401, 403)) == expected, (asked, rule, who)
            assert answer.status_code < 500 or answer.status_code == 503, (asked, rule, who)
            if not expected:
                assert answer.status_code == refusal, (asked, rule, who)
                assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="')


def test_a_route_that_is_not_listed_is_for_nobody(
    app: Flask, accounts: Accounts, people: dict[str, Account]
) -> None:
    app.add_url_rule("/new", view_func=lambda: "let in")
    for who, token in tokens(accounts, people).items():
        answer = app.test_client().get("/new", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == (403 if who in CALLERS else 400 if not token else 401), who


def test_what_there_is_not_is_said_to_anybody(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/nowhere").status_code == 404
    assert client.delete("/predict").status_code == 405
    assert client.options("/predict").status_code == 200


@pytest.mark.parametrize(
    ("other", "route", "before", "after"),
    [
        ({"registration": "open"}, ("POST", "/register-user"), Role.OPERATOR, "anybody"),
        ({"metrics": "operators"}, ("GET", "/metrics"), "anybody", Role.OPERATOR),
    ],
)
def test_settings_change_the_policy_of_one_route(
    accounts_settings: AccountsSettings,
    other: dict[str, str],
    route: tuple[str, str],
    before: str,
    after: str,
) -> None:
    usual = make_policy(accounts_settings)
    changed = make_policy(accounts_settings.model_copy(update=other))
    assert (usual[route], changed[route]) == (before, after)
    assert {each for each in usual if usual[each] != changed[each]} == {route}


def test_without_accounts_nothing_is_refused_or_there(service: Service) -> None:
    app = create_app(replace(service, accounts=None))
    assert routes(app) == {each for each in EXPECTED if each[1] not in OURS}
    for method, rule in routes(app):
        answer = app.test_client().open(re.sub("<.*?>", "x", rule), method=method)
        if (method, rule) != ("GET", "/requests"):  # which is for whoever may read everything
            assert answer.status_code not in (401, 403), (method, rule)


OURS = {"/register-user", "/token", "/users", "/users/<name>"}

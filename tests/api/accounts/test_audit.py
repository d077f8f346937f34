"""Whose requests one may read, and say the true class of."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.accounts.accounts import Accounts
from api.accounts.users import Account
from api.app import create_app
from api.audit.open import open_trail
from api.audit.settings import AuditSettings
from api.audit.trail import Trail
from api.holder import Holder, Snapshot
from api.service import Service
from database.database import Database
from images import NBYTES
from tests.api.accounts.conftest import bearer

FOREVER = 60.0

As = Callable[[str], dict[str, str]]


@pytest.fixture
def trail(service: Service, database: Database) -> Iterator[Trail]:
    trail = open_trail(AuditSettings(public=True, interval=0.01), database, service.alerts)
    trail.start()
    yield trail
    assert trail.stop(FOREVER)


@pytest.fixture
def client(
    service: Service, holder: Holder, snapshot: Snapshot, accounts: Accounts, trail: Trail
) -> FlaskClient:
    holder.swap(snapshot)
    return create_app(replace(service, accounts=accounts, audit=trail)).test_client()


@pytest.fixture
def as_(accounts: Accounts, people: dict[str, Account]) -> As:
    """The headers of each kind of user."""
    return lambda who: bearer(accounts, people[who])


def ask(client: FlaskClient, headers: dict[str, str], request_id: str) -> None:
    answer = client.post("/", data=bytes(NBYTES), headers=headers | {"X-Request-Id": request_id})
    assert answer.status_code == 200


def listed(client: FlaskClient, trail: Trail, headers: dict[str, str]) -> set[tuple[Any, str]]:
    assert trail.flush(FOREVER)
    data = client.get("/requests?limit=100", headers=headers).json["data"]  # type: ignore[index]
    return {(each["user"], each["request-id"]) for each in data["requests"] if each["answers"]}


def test_one_lists_ones_own_and_an_operator_all(client: FlaskClient, trail: Trail, as_: As) -> None:
    for who in ("caller", "other"):
        ask(client, as_(who), f"of-{who}")
    assert listed(client, trail, as_("caller")) == {("anna", "of-caller")}
    assert listed(client, trail, as_("other")) == {("bert", "of-other")}
    assert listed(client, trail, as_("operator")) == {("anna", "of-caller"), ("bert", "of-other")}


def test_feedback_is_for_ones_own_and_an_operator_corrects_all(
    client: FlaskClient, trail: Trail, as_: As
) -> None:
    ask(client, as_("caller"), "of-caller")
    feedback = {"request-id": "of-caller", "label": "class 1"}
    statuses = {
        who: client.post("/feedback", json=feedback, headers=as_(who)).status_code
        for who in ("caller", "other", "operator", "disabled")
    }
    assert statuses == {"caller": 200, "other": 404, "operator": 200, "disabled": 401}


def test_an_id_that_two_users_gave_is_each_ones_own(
    client: FlaskClient, trail: Trail, as_: As
) -> None:
    for who in ("caller", "other"):
        ask(client, as_(who), "same")
    feedback = {"request-id": "same", "label": "class 0"}
    assert client.post("/feedback", json=feedback, headers=as_("caller")).status_code == 200
    data = client.get("/requests?limit=100", headers=as_("operator")).json["data"]  # type: ignore[index]
    said = {
        each["user"]: each["answers"][0]["feedback"] for each in data["requests"] if each["answers"]
    }
    assert said == {"anna": "class 0", "bert": None}


def test_who_is_turned_away_leaves_a_row_without_a_name(
    client: FlaskClient, trail: Trail, as_: As
) -> None:
    assert client.get("/info").status_code == 401
    assert trail.flush(FOREVER)
    data = client.get("/requests", headers=as_("operator")).json["data"]  # type: ignore[index]
    (found,) = data["requests"]
    assert (found["user"], found["path"], found["status"]) == (None, "/info", 401)

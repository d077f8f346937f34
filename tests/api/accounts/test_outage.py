"""PostgreSQL stopped and started under load: no error of ours, and nobody is let in unvouched."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from signal import SIGINT, SIGQUIT

import pytest
from flask import Flask
from pydantic import SecretStr
from werkzeug.test import TestResponse

from api.accounts.accounts import Accounts, open_accounts
from api.accounts.recent import FRESH, RecentUsers
from api.accounts.settings import AccountsSettings
from api.accounts.users import Account, Users
from api.app import create_app
from api.service import Service
from database.breaker import PAUSE
from database.database import Database, open_database
from database.errors import WrongSchema
from database.settings import DatabaseSettings
from tests.api.accounts.conftest import PASSWORD, bearer
from tests.api.accounts.counting import CountingHasher
from tests.clock import Clock
from tests.postgresql import PostgreSQL

GRACE = 60.0  # seconds of the test's clock
WITHIN = 60.0  # seconds; no test waits for as long unless it fails
OFTEN = "1000000/minute"


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """On a server that can be stopped."""
    return postgresql_url


def timed(accounts: Accounts, database: Database, clock: Clock) -> Accounts:
    """The same by the test's clock."""
    users = Users(database, clock)
    return replace(accounts, users=users, recent=RecentUsers(users.get, GRACE, clock))


@pytest.fixture
def app(service: Service, accounts: Accounts, database: Database, clock: Clock) -> Flask:
    return create_app(replace(service, accounts=timed(accounts, database, clock)))


class Load:
    """Several threads that ask all the time; counts the answers to each kind of request."""

    def __init__(self, app: Flask, accounts: Accounts, people: dict[str, Account]) -> None:
        forged = accounts.tokens.issue(people["operator"].id, "stamp")[:-8] + "AAAAAAAA"
        self._app = app
        self._tokens = {
            "caller": bearer(accounts, people["caller"]),
            "disabled": bearer(accounts, people["disabled"]),
            "forger": {"Authorization": f"Bearer {forged}"},
        }
        self._accounts = accounts
        self._stop = threading.Event()
        self._strangers = iter(range(10**6, 10**9))
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, int]] = Counter()
        self.unexplained: list[str] = []

    def wait_for(self, expected: dict[str, set[int]], clock: Clock, seconds: float = PAUSE) -> None:
        """Ask until those who are expected to are answered so; each look takes so long."""
        deadline = time.monotonic() + WITHIN
        # Two that log in at once may be refused at any time.
        while not expected.items() <= (found := self.statuses(clock, seconds)).items():
            assert time.monotonic() < deadline, found

    def statuses(self, clock: Clock, seconds: float, rounds: int = 5) -> dict[str, set[int]]:
        """What each kind of caller was answered from now on, while the clock goes on."""
        with self._lock:
            self._counts.clear()
        for _ in range(rounds):
            clock.now += seconds / rounds
            self._ask_all()
        with self._lock:
            found: dict[str, set[int]] = {}
            for who, status in self._counts:
                found.setdefault(who, set()).add(status)
            return found

    def run(self) -> None:
        """Ask until told to stop."""
        while not self._stop.is_set():
            self._ask_all()

    def stop(self) -> None:
        """Let :meth:`run` end."""
        self._stop.set()

    def _ask_all(self) -> None:
        client = self._app.test_client()
        with self._lock:
            token = self._accounts.tokens.issue(next(self._strangers), "stamp")
        stranger = {"Authorization": f"Bearer {token}"}
        for who, headers in (self._tokens | {"stranger": stranger}).items():
            self._note(who, client.get("/service-info", headers=headers))
        self._note("login", client.post("/token", json={"name": "anna", "password": PASSWORD}))

    def _note(self, who: str, answer: TestResponse) -> None:
        status = answer.status_code
        with self._lock:
            self._counts[who, status] += 1
            if status >= 500 and (status != 503 or "Retry-After" not in answer.headers):
                self.unexplained.append(answer.text)


def test_a_service_does_not_start_on_tables_that_are_behind(
    postgresql_url: str, accounts_settings: AccountsSettings, hasher: CountingHasher
) -> None:
    database = open_database(DatabaseSettings(url=SecretStr(postgresql_url)))
    with pytest.raises(WrongSchema, match="run `python -m database upgrade`"):
        open_accounts(accounts_settings, database, hasher)
    database.close()


def test_a_service_starts_without_its_database_and_finds_it_later(
    service: Service,
    accounts: Accounts,
    people: dict[str, Account],
    stoppable_postgresql: PostgreSQL,
    database_url: str,
    accounts_settings: AccountsSettings,
    hasher: CountingHasher,
    clock: Clock,
) -> None:
    stoppable_postgresql.stop()
    database = open_database(DatabaseSettings(url=SecretStr(database_url)))
    opened = timed(open_accounts(accounts_settings, database, hasher), database, clock)
    client = create_app(replace(service, accounts=opened)).test_client()

    def log_in() -> int:
        return client.post("/token", json={"name": "anna", "password": PASSWORD}).status_code

    assert log_in() == 503
    assert client.get("/users", headers=bearer(accounts, people["operator"])).status_code == 503
    assert client.get("/health").status_code == 200
    stoppable_postgresql.start()
    assert log_in() == 503
    clock.now += PAUSE
    assert log_in() == 200
    database.close()


@pytest.mark.parametrize("changed", [{"login_rate": OFTEN, "request_rate": OFTEN}])
def test_a_server_is_stopped_and_started_under_load(
    app: Flask,
    accounts: Accounts,
    people: dict[str, Account],
    stoppable_postgresql: PostgreSQL,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    load = Load(app, accounts, people)
    # Known users go on for a while; a stranger is not let in, and is not told to be one.
    there = {"caller": {200}, "disabled": {401}, "forger": {401}, "stranger": {401}}
    lately = there | {"stranger": {503}, "login": {503}}
    gone = {who: {503} for who in lately} | {"forger": {401}}
    with ThreadPoolExecutor(2) as pool:
        loops = [pool.submit(load.run) for _ in range(2)]
        try:
            for how in (SIGINT, SIGQUIT):
                load.wait_for(there, clock)
                stoppable_postgresql.stop(how)
                load.wait_for(lately, clock, 0)
                assert load.statuses(clock, GRACE - 2 * FRESH) == lately
                clock.now += 2 * FRESH
                load.wait_for(gone, clock, 0)
                assert load.statuses(clock, 2 * FRESH) == gone
                stoppable_postgresql.start()
            load.wait_for(there, clock)
        finally:
            load.stop()
        for loop in loops:
            loop.result(60)
    assert load.unexplained == []
    alerts = {getattr(record, "alert_key", "accounts") for record in caplog.records}
    assert alerts == {"accounts"}
    assert any(hasattr(record, "alert_key") for record in caplog.records)

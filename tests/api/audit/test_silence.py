"""A database that never answers, as where packets are dropped: one at a time waits for it."""

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.accounts.accounts import open_accounts
from api.accounts.recent import RecentUsers
from api.accounts.settings import AccountsSettings
from api.accounts.users import Users
from api.app import create_app
from api.audit.open import open_trail
from api.audit.settings import AuditSettings
from api.holder import Holder, Snapshot
from api.service import Service
from database.breaker import Breaker
from database.database import Database, open_database
from database.settings import DatabaseSettings
from tests.api.accounts.conftest import KEY
from tests.clock import Clock

TIMEOUT = 2.0  # seconds, the least that libpq knows


class Silence:
    """Takes every connection and says nothing.

    Attributes:
        url: of the database that may be there.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._listener.setblocking(False)
        port = self._listener.getsockname()[1]
        self.url = f"postgresql://tester@127.0.0.1:{port}/nothing?sslmode=disable"

    def connections(self) -> int:
        """How many were made since this was last asked."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                count += 1
        return count

    def close(self) -> None:
        """Take none any more."""
        self._listener.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    silence = Silence()
    yield silence
    silence.close()


@pytest.fixture
def database(silence: Silence) -> Iterator[Database]:
    settings = DatabaseSettings(url=SecretStr(silence.url), timeout=TIMEOUT, connections=20)
    database = open_database(settings)
    yield database
    database.close()


def tell(client: FlaskClient) -> int:
    document = {"request-id": "mine", "label": "class 1"}
    return client.post("/feedback", json=document).status_code


def test_one_look_at_the_trail_at_a_time_waits_for_a_database_that_says_nothing(
    service: Service,
    holder: Holder,
    snapshot: Snapshot,
    silence: Silence,
    database: Database,
    clock: Clock,
) -> None:
    holder.swap(snapshot)
    trail = open_trail(AuditSettings(public=True), database, service.alerts)
    trail.breaker = Breaker(clock)
    client = create_app(replace(service, audit=trail, request_timeout=0.01)).test_client()
    assert client.get("/requests").status_code == 503
    assert silence.connections() == 1
    for _ in range(20):
        assert client.get("/requests").status_code == 503
        assert client.get("/feedback").status_code == 503
        assert tell(client) == 503
    assert silence.connections() == 0
    clock.now += 2
    assert tell(client) == 503  # as what it is on waits still to be written
    assert client.get("/feedback").status_code == 503
    clock.now += 2
    assert client.get("/feedback").status_code == 503
    assert silence.connections() == 1


def test_one_log_in_at_a_time_waits_for_a_database_that_says_nothing(
    service: Service, silence: Silence, database: Database, clock: Clock
) -> None:
    settings = AccountsSettings(
        enabled=True, secret_keys=SecretStr(KEY), login_rate="1000/minute", registration="open"
    )
    users = Users(database, clock)
    recent = RecentUsers(users.get, settings.grace_seconds, clock)
    accounts = replace(open_accounts(settings, database), users=users, recent=recent)
    silence.connections()
    app = create_app(replace(service, accounts=accounts))

    def ask(number: int) -> int:
        client = app.test_client()
        body = {"name": f"user{number}", "password": "correct horse battery staple"}
        token = accounts.tokens.issue(number, "stamp")
        client.get("/info", headers={"Authorization": f"Bearer {token}"})
        return client.post("/token", json=body).status_code

    assert ask(1) == 503
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(2, 40))) == {503}
    assert silence.connections() == 1

"""The audit trail of services as processes, whose database is stopped, and which are killed."""

import itertools
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import select

from database.database import Database, open_database
from database.models import Request, Response
from database.settings import DatabaseSettings
from images import NBYTES
from registry.store import Registry
from tests.api.processes import WITHIN, Process
from tests.api.variants import Files, Model, put
from tests.postgresql import PostgreSQL
from tests.waiting import until

STEP = 20  # answers to a caller in each state of the database


@pytest.fixture
def folder(tmp_path: Path, on_disk: Registry, models: tuple[Model, Model], files: Files) -> Path:
    """Where services start that are ready soon."""
    put(on_disk, models[0], files)
    return tmp_path


def serve(folder: Path, url: str, **variables: str) -> Process:
    own = {"AUDIT_ENABLED": "true", "AUDIT_INTERVAL": "0.05", "MODEL_RUNTIME": "onnx"}
    return Process(folder, **(own | {"DATABASE_URL": url} | variables))


def opened(url: str) -> Database:
    return open_database(DatabaseSettings(url=SecretStr(url)))


def ask(service: Process, request_id: str) -> None:
    answer = requests.post(
        service.url, data=bytes(NBYTES), headers={"X-Request-Id": request_id}, timeout=WITHIN
    )
    assert answer.status_code == 200, answer.text


def written(database: Database) -> Counter[str]:
    """How many images each request has in the trail, by its caller's id."""
    rows = select(Request.request_id).join(Response).where(Request.path == "/")
    with database.session() as session:
        return Counter(session.scalars(rows))


class Caller:
    """Asks a service again and again, until it is told to stop."""

    def __init__(self, service: Process, name: str) -> None:
        self.service, self.name = service, name
        self.ids: list[str] = []
        self._stopping = threading.Event()
        self._more = threading.Condition()

    def run(self) -> None:
        for number in itertools.count():
            if self._stopping.is_set():
                return
            ask(self.service, f"{self.name}-{number}")
            with self._more:
                self.ids.append(f"{self.name}-{number}")
                self._more.notify_all()

    def step(self) -> None:
        """Wait for some more answers."""
        with self._more:
            goal = len(self.ids) + STEP
            assert self._more.wait_for(lambda: len(self.ids) >= goal, WITHIN), self.service.log

    def stop(self) -> None:
        self._stopping.set()


def test_a_database_that_crashes_under_load_fails_no_request_and_loses_no_row(
    folder: Path, postgresql_url: str, stoppable_postgresql: PostgreSQL
) -> None:
    url, server = postgresql_url, stoppable_postgresql
    database = opened(url)
    database.upgrade()
    durable(url)
    with serve(folder, url) as one, serve(folder, url) as two, ThreadPoolExecutor(4) as pool:
        for service in (one, two):
            service.wait_for("/ready")
        callers = [Caller(each, f"caller-{n}") for n, each in enumerate((one, two, one, two))]
        running = [pool.submit(caller.run) for caller in callers]
        try:
            for how in (signal.SIGINT, signal.SIGQUIT):
                for caller in callers:
                    caller.step()
                server.stop(how)
                for caller in callers:
                    caller.step()
                server.start()
            for caller in callers:
                caller.step()
        finally:
            for caller in callers:
                caller.stop()
        for each in running:
            each.result(WITHIN)
        for service in (one, two):
            service.process.send_signal(signal.SIGTERM)
            assert service.wait() == 0
            assert "the audit trail cannot be written" in service.log
            assert "requests are missing" not in service.log
    asked = Counter(request_id for caller in callers for request_id in caller.ids)
    assert len(asked) > 5 * STEP * len(callers)
    assert written(database) == asked
    database.close()


def durable(url: str) -> None:
    """Let the database keep what it has acknowledged, as servers do unless told otherwise."""
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = on".encode())


def test_a_kill_loses_what_was_not_written_yet_and_nothing_else(folder: Path) -> None:
    url = f"sqlite:///{folder}/database.sqlite"
    database = opened(url)
    with serve(folder, url) as service:
        service.wait_for("/ready")
        early = [f"early-{number}" for number in range(20)]
        for request_id in early:
            ask(service, request_id)
        until(lambda: len(written(database)) == len(early), lambda: service.log)
        late = [f"late-{number}" for number in range(20)]
        for request_id in late:
            ask(service, request_id)
        service.process.kill()
        service.process.wait(WITHIN)
        service.process.returncode = 0  # as this end was asked for
    found = written(database)
    assert set(early) <= found.keys() <= {*early, *late}
    assert set(found.values()) == {1}
    database.close()


def test_what_waits_is_written_at_the_end(folder: Path) -> None:
    url = f"sqlite:///{folder}/database.sqlite"
    with serve(folder, url, AUDIT_INTERVAL="60") as service:
        service.wait_for("/ready")
        for number in range(5):
            ask(service, f"mine-{number}")
        service.process.send_signal(signal.SIGTERM)
        assert service.wait() == 0
    database = opened(url)
    assert written(database) == {f"mine-{number}": 1 for number in range(5)}
    database.close()


def test_the_end_comes_without_a_database_too_and_says_what_is_lost(folder: Path) -> None:
    with serve(folder, "postgresql://tester@127.0.0.1:1/nothing") as service:
        service.wait_for("/ready")
        ask(service, "mine")
        service.process.send_signal(signal.SIGTERM)
        assert service.wait() == 0
    alerts = [line for line in service.lines if "requests are missing" in line["message"]]
    assert len(alerts) == 1

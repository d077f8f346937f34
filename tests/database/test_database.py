"""What a database keeps, and what it says when it cannot."""

import signal
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError, ProgrammingError, StatementError
from sqlalchemy.orm import Session

from database.database import Database, open_database
from database.errors import BadDatabaseURL, DatabaseAway
from database.models import Feedback, Request, Response, Role, User
from database.settings import DatabaseSettings
from tests.postgresql import PostgreSQL

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, UTC)


def user(name: str = "anna") -> User:
    return User(name=name, password_hash="hash", role=Role.CALLER)


def request(user_id: int | None = None) -> Request:
    return Request(
        id="c" * 32,
        request_id="mine-1",
        at=NOON,
        user_id=user_id,
        method="POST",
        path="/predict",
        status=200,
        milliseconds=1.5,
    )


def open_url(url: str, timeout: float = 5) -> Database:
    return open_database(DatabaseSettings(url=SecretStr(url), timeout=timeout))


def test_a_moment_comes_back_in_utc(database: Database) -> None:
    west = NOON.astimezone(timezone(timedelta(hours=-8)))
    with database.session() as session:
        session.add(User(name="anna", password_hash="hash", role=Role.CALLER, created=west))
    with database.session() as session:
        found = session.scalars(select(User)).one()
        assert (found.created, found.created.tzinfo, found.role) == (NOON, UTC, Role.CALLER)


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match="says no zone"), database.session() as session:
        session.add(User(name="anna", password_hash="hash", role=Role.CALLER, created=naive))


def test_a_block_that_fails_is_undone(database: Database) -> None:
    def add_and_fail() -> None:
        with database.session() as session:
            session.add(user())
            session.flush()
            raise KeyError("elsewhere")

    with pytest.raises(KeyError):
        add_and_fail()
    with database.session() as session:
        assert session.scalars(select(User)).all() == []


def add(database: Database, *users: User) -> None:
    with database.session() as session:
        session.add_all(users)


def test_a_name_is_given_once(database: Database) -> None:
    add(database, user())
    with pytest.raises(IntegrityError) as caught:
        add(database, user())
    assert "hash" not in str(caught.value).replace("password_hash", "")


def test_a_role_is_one_of_two(database: Database) -> None:
    row = {"name": "x", "password_hash": "", "role": "root", "disabled": False, "created": NOON}
    with pytest.raises((IntegrityError, StatementError)), database.session() as session:
        session.execute(User.__table__.insert(), [row])  # type: ignore[attr-defined]


def test_what_hangs_on_a_request_goes_with_it(database: Database) -> None:
    with database.session() as session:
        session.add(anna := user())
        session.flush()
        session.add(request(anna.id))
        session.flush()
        place = {"request_id": "c" * 32, "position": 0}
        model = {"version": "b" * 64, "index": 3, "name": "3", "confidence": 0.4}
        session.add(Response(**place, image_sha256="a" * 64, label="other", **model))
        session.flush()
        session.add(Feedback(**place, label="5", user_id=anna.id, at=NOON))
    with database.session() as session:
        session.execute(delete(Request))
        assert session.scalars(select(Response)).all() == []
        assert session.scalars(select(Feedback)).all() == []


def test_references_hold(database: Database) -> None:
    with pytest.raises(IntegrityError), database.session() as session:
        session.add(request(user_id=12345))


def test_a_mistake_of_ours_is_not_taken_for_an_outage(postgresql_url: str) -> None:
    database = open_url(postgresql_url)
    database.upgrade()
    with pytest.raises(ProgrammingError), database.session() as session:
        session.connection().exec_driver_sql("SELECT nonsense")
    database.close()


def test_readers_of_a_file_go_on_beside_its_writer(tmp_path: Path) -> None:
    database = open_url(f"sqlite:///{tmp_path}/database.sqlite")
    with database.session() as writer:
        writer.add(user())
        writer.flush()
        with database.session() as reader:
            assert reader.scalars(select(User)).all() == []
    database.close()


def test_a_second_writer_of_a_file_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    database = open_url(f"sqlite:///{tmp_path}/database.sqlite", timeout=0.05)

    with database.session() as writer:
        writer.add(user("anna"))
        writer.flush()
        with pytest.raises(DatabaseAway, match="database is locked"):
            add(database, user("bert"))
    add(database, user("bert"))
    database.close()


def test_only_its_owner_can_read_a_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "database.sqlite"
    database = open_url(f"sqlite:///{path}")
    with database.session() as session:
        session.add(user())
        session.flush()
        files = list(path.parent.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    database.close()


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_text("Dear Sir or Madam, " * 1000)
    database = open_url(f"sqlite:///{path}")
    with pytest.raises(DatabaseAway, match="file is not a database"):
        database.check()
    database.close()


def test_a_server_may_be_away_and_come_back(
    postgresql_url: str, stoppable_postgresql: PostgreSQL
) -> None:
    server, database = stoppable_postgresql, open_url(postgresql_url)
    database.upgrade()
    for how in (signal.SIGINT, signal.SIGQUIT):
        with database.session() as session:
            session.add(user(how.name.lower()))
        server.stop(how)
        with pytest.raises(DatabaseAway, match="cannot be used"):
            database.check()
        server.start()
    with database.session() as session:
        assert len(session.scalars(select(User)).all()) == 2
    database.close()


def test_a_server_that_goes_within_a_transaction_is_away(
    postgresql_url: str, stoppable_postgresql: PostgreSQL
) -> None:
    server, database = stoppable_postgresql, open_url(postgresql_url)
    database.upgrade()

    def lose(session: Session) -> None:
        session.add(user())
        session.flush()
        server.stop()

    with pytest.raises(DatabaseAway), database.session() as session:
        lose(session)
    server.start()
    with database.session() as session:
        assert session.scalars(select(User)).all() == []
    database.close()


def test_a_statement_has_an_end(postgresql_url: str) -> None:
    database = open_url(postgresql_url, timeout=0.2)
    database.upgrade()
    with pytest.raises(DatabaseAway, match="statement timeout"), database.session() as session:
        session.connection().exec_driver_sql("SELECT pg_sleep(60)")
    database.close()


def test_more_threads_than_connections_wait_no_longer_than_they_may(postgresql_url: str) -> None:
    settings = DatabaseSettings(url=SecretStr(postgresql_url), timeout=0.2, connections=1)
    database = open_database(settings)
    database.upgrade()

    with database.session() as session:
        session.connection()
        with pytest.raises(DatabaseAway), database.session() as other:
            other.connection()
    database.close()


SECRET = "geh%65im"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://tester:{SECRET}@127.0.0.1:1/x",
        f"postgres://tester:{SECRET}@127.0.0.1:1/x",
        f"postgresql+psycopg://tester:{SECRET}@127.0.0.1:1/x",
        f"postgresql://tester@127.0.0.1:1/x?password={SECRET}",
        f"postgresql://tester:{SECRET}@127.0.0.1:none/x",
        f"postgresql://tester:{SECRET}@127.0.0.1:1",
        f"mysql://tester:{SECRET}@127.0.0.1:1/x",
        f"{SECRET}@127.0.0.1",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////proc/version/x",
    ],
)
def test_no_message_has_a_password(url: str) -> None:
    with pytest.raises((DatabaseAway, BadDatabaseURL)) as caught:
        open_url(url).check()
    text = "".join(str(error) for error in (caught.value, caught.value.__cause__))
    assert SECRET not in text
    assert "geheim" not in text

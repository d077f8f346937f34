"""The revisions make the tables that the models describe, and are run once and whole."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import Engine, inspect, text

from database import schema
from database.__main__ import main
from database.database import Database, open_database
from database.engine import make_engine
from database.errors import WrongSchema
from database.models import Base
from database.settings import DatabaseSettings
from database.url import parse

ROOT = Path(__file__).parent.parent.parent


def engine_of(url: str) -> Engine:
    return make_engine(parse(url), DatabaseSettings())


def described(engine: Engine) -> Any:
    """Everything that the database says of its tables."""
    found = inspect(engine)
    return {
        table: (
            [(each["name"], str(each["type"]), each["nullable"]) for each in columns],
            found.get_pk_constraint(table),
            sorted(found.get_foreign_keys(table), key=str),
            sorted(found.get_unique_constraints(table), key=str),
            sorted(found.get_indexes(table), key=str),
            [each["name"] for each in found.get_check_constraints(table)],
        )
        for table in found.get_table_names()
        if (columns := found.get_columns(table)) and table != "alembic_version"
    }


def test_alembic_finds_no_difference_to_the_models(database_url: str) -> None:
    engine = engine_of(database_url)
    schema.upgrade(engine)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_database_itself_finds_no_difference(database_url: str) -> None:
    """Nor in names, rules of deletion and checks, which Alembic does not compare."""
    engine = engine_of(database_url)
    schema.upgrade(engine)
    migrated = described(engine)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
    assert migrated == described(engine)
    assert len(migrated) == len(Base.metadata.tables)
    engine.dispose()


def test_what_is_there_stays(database_url: str) -> None:
    """Images of the first revision, of which nobody knew whose they were."""
    engine = engine_of(database_url)
    with engine.begin() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = {"sha256": "a" * 64, "png": b"png", "at": "2026-11-21 12:00:00+00"}
        connection.execute(text("INSERT INTO images VALUES (:sha256, :png, :at)"), row)
    schema.upgrade(engine)
    with engine.begin() as connection:
        rows = connection.execute(text("SELECT sha256, png, user_id FROM images")).all()
    assert [tuple(each) for each in rows] == [("a" * 64, b"png", None)]
    engine.dispose()


def test_an_upgrade_is_done_once(database: Database) -> None:
    assert database.revision() == schema.head()
    database.upgrade()
    database.check()


def test_several_that_upgrade_at_once_do_it_once(database_url: str) -> None:
    settings = DatabaseSettings(url=SecretStr(database_url))
    databases = [open_database(settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Database.upgrade, databases))
    assert {database.revision() for database in databases} == {schema.head()}
    for database in databases:
        database.close()


def test_an_upgrade_that_fails_leaves_nothing_behind(database_url: str) -> None:
    engine = engine_of(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE responses (id INTEGER)"))
    with pytest.raises(Exception, match="responses"):
        schema.upgrade(engine)
    assert inspect(engine).get_table_names() == ["responses"]
    engine.dispose()


def test_a_server_that_is_behind_is_refused_with_the_command(postgresql_url: str) -> None:
    database = open_database(DatabaseSettings(url=SecretStr(postgresql_url)))
    with pytest.raises(WrongSchema, match=r"revision none.*run `python -m database upgrade`"):
        database.check()
    with pytest.raises(WrongSchema), database.session():
        raise AssertionError("nothing may be asked of it")
    database.upgrade()
    database.check()
    database.close()


def test_a_file_is_upgraded_by_whoever_opens_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/database.sqlite"
    database = open_database(DatabaseSettings(url=SecretStr(url)))
    with database.session():
        assert database.revision() == schema.head()
    database.close()


def test_a_schema_of_a_later_version_is_refused(database: Database, database_url: str) -> None:
    engine = engine_of(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    for use in (database.check, database.upgrade):
        with pytest.raises(WrongSchema, match=r"revision later.*run that version"):
            use()
    engine.dispose()


def test_the_commands_say_what_there_is(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr("database.__main__.configure", lambda settings: None)

    def run(command: str) -> tuple[int, str]:
        return main([command]), capsys.readouterr().out

    code, said = run("current")
    assert (code, said[-15:]) == (1, f" none, of {schema.head()}\n")
    code, said = run("upgrade")
    assert code == 0
    assert said.endswith(f": from none to {schema.head()}\n")
    assert run("current")[0] == 0


def test_the_command_is_one(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "database", "upgrade"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "LOG_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.endswith(f"var/database/classifier.sqlite: from none to {schema.head()}\n")
    assert len(ended.stderr.splitlines()) == 1  # of the log

"""How connections to a database are made and kept."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from database.errors import BadDatabaseURL
from database.settings import DatabaseSettings
from database.url import SQLITE

BEGIN = "sqlite_begin"
"""The execution option with the statement that begins a transaction in SQLite, if not `BEGIN`."""


def make_engine(url: URL, settings: DatabaseSettings) -> Engine:
    """What makes connections to a database and keeps them; it makes none yet.

    Raises:
        BadDatabaseURL: the file that it names can be neither read nor made.
    """
    if url.drivername == SQLITE:
        return _for_sqlite(url, settings)
    milliseconds = int(1000 * settings.timeout)
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "application_name": "image-classifier",
            "connect_timeout": max(2, round(settings.timeout)),  # libpq takes whole seconds from 2
            "tcp_user_timeout": milliseconds,
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        },
        **_pool(settings),
    )


def _pool(settings: DatabaseSettings) -> dict[str, Any]:
    return {
        "pool_size": settings.connections,
        "max_overflow": 0,
        "pool_timeout": settings.timeout,
        "hide_parameters": True,  # errors would show them, and hashes of passwords are among them
    }


def _for_sqlite(url: URL, settings: DatabaseSettings) -> Engine:
    _make_file(Path(url.database or ""))
    # Transactions begin where we say: the driver itself would leave changes of tables out of them.
    arguments = {"timeout": settings.timeout, "isolation_level": None}
    engine = create_engine(url, connect_args=arguments, **_pool(settings))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_file(path: Path) -> None:
    """Make an empty file that nobody else can read, as it will hold hashes of passwords."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise BadDatabaseURL(f"DATABASE_URL: {path} cannot be written: {error.strerror}") from error


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")  # readers go on beside a writer
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))

"""Which database a URL names, and how that is told without its credentials."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from database.errors import BadDatabaseURL

DEFAULT = "sqlite:///var/database/classifier.sqlite"
POSTGRESQL, SQLITE = "postgresql", "sqlite"
KNOWN = "write postgresql://user:password@host/name or sqlite:///file"


def parse(text: str) -> URL:
    """The URL of a database, with the driver that we use; the default for an empty text.

    Raises:
        BadDatabaseURL: it names none that we know. No message repeats the text, of which what
            could not be understood may be a password.
    """
    try:
        url = make_url(text or DEFAULT)
    except (ArgumentError, ValueError):
        raise BadDatabaseURL(f"DATABASE_URL is no URL: {KNOWN}") from None
    backend = url.drivername.partition("+")[0]
    if backend not in (POSTGRESQL, SQLITE):
        raise BadDatabaseURL(f"DATABASE_URL names neither PostgreSQL nor SQLite: {KNOWN}")
    if not url.database or url.database == ":memory:":
        raise BadDatabaseURL(f"DATABASE_URL does not say which {backend} database: {KNOWN}")
    return url.set(drivername=f"{POSTGRESQL}+psycopg" if backend == POSTGRESQL else SQLITE)


def location(url: URL) -> str:
    """Where the database is, for a person and for the log."""
    if url.drivername == SQLITE:
        return f"file {Path(url.database or '').absolute()}"
    return (
        f"PostgreSQL database {url.database!r} at {url.host or url.query.get('host', 'localhost')}"
    )

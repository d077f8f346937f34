"""A database that is used only with the schema that this program needs."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    TimeoutError,
)
from sqlalchemy.orm import Session

from database import schema
from database.engine import make_engine
from database.errors import DatabaseAway, WrongSchema
from database.settings import DatabaseSettings
from database.url import SQLITE, location, parse

OURS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What a statement of ours brought about, which would fail again."""


class Database:
    """Transactions in a database, for many threads.

    Args:
        engine: what makes connections.
        location: where it is, without credentials.
    """

    def __init__(self, engine: Engine, location: str) -> None:
        self._engine = engine
        self._checked = False
        self.location = location

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction, which is kept if the block ends and undone if it raises.

        One in SQLite that writes must begin with that: after reading it cannot wait for another.

        Raises:
            DatabaseAway: the database cannot be reached, or failed meanwhile.
            WrongSchema: as from :meth:`check`.
        """
        if not self._checked:
            self.check()
        with self._reached(), Session(self._engine) as session, session.begin():
            yield session

    def check(self) -> None:
        """Make sure of the schema; a file of SQLite, which has no other keeper, is upgraded.

        Raises:
            DatabaseAway: the database cannot be reached.
            WrongSchema: it is older or newer than this program; the message says what to run.
        """
        found = self._known_revision()
        if found != schema.head():
            if self._engine.dialect.name != SQLITE:
                raise WrongSchema(
                    f"the schema of {self.location} is of revision {found or 'none'}, and this "
                    f"program needs {schema.head()}: run `python -m database upgrade`"
                )
            self.upgrade()
        self._checked = True

    def revision(self) -> str | None:
        """The revision of the schema; None if there is none of our tables.

        Raises:
            DatabaseAway: the database cannot be reached.
        """
        with self._reached(), self._engine.begin() as connection:
            return schema.current(connection)

    def upgrade(self) -> None:
        """Bring the schema to the revision that this program needs.

        Raises:
            DatabaseAway: the database cannot be reached.
            WrongSchema: it is newer than this program.
        """
        self._known_revision()
        with self._reached():
            schema.upgrade(self._engine)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _known_revision(self) -> str | None:
        """The revision of the schema, unless only a later version of this program knows it."""
        found = self.revision()
        if found not in {None, *schema.known()}:
            raise WrongSchema(
                f"the schema of {self.location} is of revision {found}, which a later version of "
                "this program made: run that version"
            )
        return found

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except OURS:
            raise
        except (DBAPIError, TimeoutError) as error:
            cause = getattr(error, "orig", None) or error
            reason = str(cause).strip().partition("\n")[0]
            raise DatabaseAway(f"{self.location} cannot be used: {reason}") from error


def open_database(settings: DatabaseSettings) -> Database:
    """The database that the settings name; it is not connected to yet.

    Raises:
        BadDatabaseURL: they name none that can be used.
    """
    url = parse(settings.url.get_secret_value())
    return Database(make_engine(url, settings), location(url))

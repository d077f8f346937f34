"""What can go wrong between a program and its database.

DatabaseError
├── BadDatabaseURL   DATABASE_URL names no database that we know (a usage error)
├── CannotExport     the folder for images cannot be written (a usage error)
├── DatabaseAway     the database cannot be reached, or does not answer in time
└── WrongSchema      its tables are older or newer than this program's
"""

from process.errors import Failure, UsageError


class DatabaseError(Failure):
    """The base of every error of this package."""


class BadDatabaseURL(DatabaseError, UsageError):
    """``DATABASE_URL`` must change."""


class CannotExport(DatabaseError, UsageError):
    """The images need another folder, or classes of other names."""


class DatabaseAway(DatabaseError):
    """What was asked may succeed later; nothing of the transaction that failed was kept."""


class WrongSchema(DatabaseError):
    """The tables must be upgraded, or this program."""

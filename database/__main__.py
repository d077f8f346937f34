"""The database's command: bring its tables to what this version of the program needs.

python -m database current
python -m database upgrade
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from database import schema
from database.database import Database, open_database
from database.settings import DatabaseSettings
from process.command import run
from process.logs import LogSettings, configure
from process.settings import listing, read


def main(argv: Sequence[str]) -> int:
    """Run one of the commands and return the exit code: 1 where the schema must be upgraded."""
    arguments = _parser().parse_args(argv)
    configure(read(LogSettings))
    database = open_database(read(DatabaseSettings))
    try:
        command: Callable[[Database], int] = arguments.command
        return command(database)
    finally:
        database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m database",
        description="Say which revision of the schema the database has, and upgrade it.",
        epilog="settings from the environment:\n\n" + listing([DatabaseSettings, LogSettings]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, purpose in (
        ("current", _current, "say which revision the database has; exit 1 if it is another"),
        ("upgrade", _upgrade, "bring the database to the revision that this program needs"),
    ):
        one = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
        one.set_defaults(command=command)
    return parser


def _current(database: Database) -> int:
    found, needed = database.revision(), schema.head()
    sys.stdout.write(f"{database.location}: {found or 'none'}, of {needed}\n")
    return 0 if found == needed else 1


def _upgrade(database: Database) -> int:
    before = database.revision()
    database.upgrade()
    sys.stdout.write(f"{database.location}: from {before or 'none'} to {database.revision()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run("database", main))

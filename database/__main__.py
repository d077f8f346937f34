"""The database's command: bring its tables up to date, and take out images to train on.

python -m database current
python -m database upgrade
python -m database export FOLDER
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from database import schema
from database.database import Database, open_database
from database.export import export
from database.settings import DatabaseSettings
from process.command import run, subcommands
from process.logs import LogSettings, configure
from process.settings import command_parser, read


def main(argv: Sequence[str]) -> int:
    """Run one of the commands and return the exit code: 1 where the schema must be upgraded."""
    arguments = _parser().parse_args(argv)
    configure(read(LogSettings))
    database = open_database(read(DatabaseSettings))
    try:
        command: Callable[[Database, argparse.Namespace], int] = arguments.command
        return command(database, arguments)
    finally:
        database.close()


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "database",
        "Keep the schema of the database up to date, and take images out of it.",
        [DatabaseSettings, LogSettings],
    )
    add = subcommands(parser)
    add("current", _current, "say which revision the database has; exit 1 if it is another")
    add("upgrade", _upgrade, "bring the database to the revision that this program needs")
    exporting = add(
        "export", _export, "write the images with feedback to FOLDER, by their true classes"
    )
    exporting.add_argument("folder", type=Path, metavar="FOLDER", help="made if it is not there")
    return parser


def _current(database: Database, _: argparse.Namespace) -> int:
    found, needed = database.revision(), schema.head()
    sys.stdout.write(f"{database.location}: {found or 'none'}, of {needed}\n")
    return 0 if found == needed else 1


def _upgrade(database: Database, _: argparse.Namespace) -> int:
    before = database.revision()
    database.upgrade()
    sys.stdout.write(f"{database.location}: from {before or 'none'} to {database.revision()}\n")
    return 0


def _export(database: Database, arguments: argparse.Namespace) -> int:
    found = export(database, arguments.folder)
    sys.stdout.write(
        f"{arguments.folder}: {found.written} images; left out: {found.disputed} that are said to "
        f"be of several classes, {found.missing} that were not kept\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(run("database", main))

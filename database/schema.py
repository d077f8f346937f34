"""Which revision of the schema a database has, and how it gets the one that it must have."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from database.engine import BEGIN

MIGRATIONS = Path(__file__).parent / "migrations"
logger = logging.getLogger(__name__)

LOCK = 0x636C617373  # any number that no other program takes for its lock


def head() -> str:
    """The revision that this program needs."""
    revision = _scripts().get_current_head()
    assert revision is not None, "there is a first revision"
    return revision


def known() -> set[str]:
    """Every revision that this program knows."""
    return {script.revision for script in _scripts().walk_revisions()}


def current(connection: Connection) -> str | None:
    """The revision that a database has; None if it has no tables of ours."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Bring a database to :func:`head`, wholly or not at all, one process at a time."""
    with engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
        if connection.dialect.name == "postgresql":
            # Released with the transaction. To wait for it, and to fill an index, takes its time.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        before = current(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if before != head():
        logger.info("upgraded the schema from revision %s to %s", before or "none", head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())

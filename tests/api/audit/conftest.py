from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from database.database import Database, open_database
from database.settings import DatabaseSettings


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[Database]:
    """A database in a file, for what is the same on a server."""
    url = SecretStr(f"sqlite:///{tmp_path}/database.sqlite")
    database = open_database(DatabaseSettings(url=url))
    yield database
    database.close()

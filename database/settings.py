"""Where the database is."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class DatabaseSettings(Settings):
    """Where accounts and what was asked are kept."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_")

    url: SecretStr = Field(
        SecretStr(""),
        description="`postgresql://user:password@host/name`, or `sqlite:///file`, with a fourth "
        "slash before the path of a file from the root; if empty, "
        "`sqlite:///var/database/classifier.sqlite`.",
    )
    timeout: float = Field(
        5, gt=0, description="Seconds to wait for a connection, a lock or a statement's end."
    )
    connections: int = Field(5, ge=1, description="The most connections of one process.")

"""What is kept of requests, for how long, and who may read it."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class AuditSettings(Settings):
    """The audit trail."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_")

    enabled: bool = Field(
        False,
        description="Leave a row of every request and of every answered image in the database of "
        "`DATABASE_URL`, and take feedback.",
    )
    images: bool = Field(
        False, description="Keep the images too, as PNG files; otherwise only their SHA-256."
    )
    images_per_user: int = Field(
        10_000,
        ge=1,
        description="The most images that are kept of what one user sent, and of what everybody "
        "sent where accounts are off; further ones are answered and not kept.",
    )
    buffer: int = Field(
        20_000,
        ge=1000,
        description="The most rows that wait for the database: one for each request, each answer "
        "and each image that is kept. What comes when there is no room is counted and lost.",
    )
    interval: float = Field(
        1,
        gt=0,
        le=60,
        description="Seconds for which rows are gathered before they are written; a crash loses "
        "about so much.",
    )
    retention_days: int = Field(
        90, ge=0, description="Days after which rows are deleted, images included; 0: never."
    )
    public: bool = Field(
        False,
        description="Without accounts, let everybody who reaches the service read `/requests`.",
    )

"""Whether callers need an account, and for how long and how often it is good.

What the values mean to libraries is checked where these are imported: not where accounts are off.
"""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from process.settings import Settings

MIN_KEY = 32  # bytes, as long as what HS256 makes of it: RFC 7518, 3.2


class AccountsSettings(Settings):
    """Who may ask the service."""

    model_config = SettingsConfigDict(env_prefix="ACCOUNTS_")

    enabled: bool = Field(False, description="Whether callers need an account.")
    secret_keys: SecretStr = Field(
        SecretStr(""),
        description="What tokens are signed with, in at least 32 characters, as "
        '`python -c "import secrets; print(secrets.token_hex(32))"` makes them; several with '
        "commas between, of which the first one signs and all are known.",
    )
    token_seconds: int = Field(3600, ge=60, description="Seconds for which a token is good.")
    registration: Literal["operators", "open"] = Field(
        "operators", description="Who makes accounts: operators, or, if `open`, anybody."
    )
    metrics: Literal["public", "operators"] = Field(
        "public", description="Who may read `/metrics`; a token for Prometheus ends like any other."
    )
    login_rate: str = Field(
        "10/minute",
        description="How many logins, and how many registrations, each address and each name may "
        "try, in any replica.",
    )
    request_rate: str = Field(
        "6000/minute", description="How many other requests each user may make, of any replica."
    )
    proxies: int = Field(
        0,
        ge=0,
        description="How many proxies of ours stand before the service, each of which adds to "
        "`X-Forwarded-For` whom it was asked by.",
    )
    grace_seconds: float = Field(
        60,
        ge=0,
        description="Seconds for which users who were looked up lately may go on while the "
        "database is away.",
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The secret keys, the one that signs first."""
        return tuple(key.strip() for key in self.secret_keys.get_secret_value().split(","))

    @model_validator(mode="after")
    def _require_keys(self) -> Self:
        if self.enabled and any(len(key.encode()) < MIN_KEY for key in self.keys):
            raise ValueError(
                f"ACCOUNTS_SECRET_KEYS: each key must have at least {MIN_KEY} characters: "
                "make one with `openssl rand -hex 32`"
            )
        return self

"""Where alerts go."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from process.settings import CommaSeparated, Settings

PORTS = {"starttls": 587, "tls": 465, "none": 25}

# ASCII without the characters that have a meaning in a header (RFC 5322's specials).
_WORD = r"""[^\x00-\x20\x7f-\U0010ffff()<>\[\]:;@\\,"]+"""


def _plain(address: str) -> str:
    if address and not re.fullmatch(f"{_WORD}@{_WORD}", address):
        raise ValueError(f"{address!r} is not a plain e-mail address like ops@example.com")
    return address


Address = Annotated[str, AfterValidator(_plain)]


class AlertSettings(Settings):
    """The mail server, and how much it may be used."""

    model_config = SettingsConfigDict(env_prefix="ALERT_")

    smtp_host: str = Field(
        "", description="The mail server for alerts; without one alerts are only logged."
    )
    smtp_port: int | None = Field(
        None, gt=0, lt=65536, description="Its port; by default 587, 465 or 25 by `ALERT_SMTP_TLS`."
    )
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is encrypted: `starttls`, `tls` or `none`."
    )
    smtp_user: str = Field(
        "", description="The name to log in with; without one there is no login."
    )
    smtp_password: SecretStr = Field(SecretStr(""), description="The password to log in with.")
    smtp_ca_file: str = Field(
        "", description="A PEM file of authorities to trust besides the machine's own."
    )
    sender: Address = Field("", description="The address that alerts come from.")
    recipients: CommaSeparated[Address] = Field(
        (), description="The addresses that alerts go to, with commas between them."
    )
    timeout: float = Field(
        10, gt=0, description="Seconds to wait for each answer of the mail server."
    )
    repeat_after: float = Field(
        3600, ge=0, description="Seconds for which an alert that was e-mailed is not repeated."
    )
    max_per_hour: int = Field(
        20, gt=0, description="E-mails in any hour; alerts above that are only logged."
    )

    @property
    def port(self) -> int:
        """The port: the standard one of the kind of encryption if none was set."""
        return self.smtp_port or PORTS[self.smtp_tls]

    @model_validator(mode="after")
    def _recipients_are_reachable(self) -> Self:
        if self.smtp_host and not (self.sender and self.recipients):
            raise ValueError("ALERT_SENDER and ALERT_RECIPIENTS must be set with ALERT_SMTP_HOST")
        if not self.smtp_host and (self.sender or self.recipients or self.smtp_user):
            raise ValueError("ALERT_SMTP_HOST must be set if alerts are to be e-mailed")
        return self

    @model_validator(mode="after")
    def _login_is_safe(self) -> Self:
        password = self.smtp_password.get_secret_value()
        if bool(self.smtp_user) != bool(password):
            raise ValueError("ALERT_SMTP_USER and ALERT_SMTP_PASSWORD must be set together")
        if not (self.smtp_user + password).isascii():
            raise ValueError("ALERT_SMTP_USER and ALERT_SMTP_PASSWORD must be ASCII")
        if password and self.smtp_tls == "none":
            raise ValueError(
                "ALERT_SMTP_TLS must be starttls or tls with ALERT_SMTP_PASSWORD, "
                "which would cross the network in the clear"
            )
        return self

"""Where alerts go."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from process.settings import CommaSeparated, Settings

# What RFC 5321 lets any server take: ASCII, and nothing that has a meaning in a header.
_ADDRESS = re.compile(r"""[!-~]+@[!-~]+""")
_SPECIAL = set('()<>[]:;@\\,"')
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _address(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if not _ADDRESS.fullmatch(text) or _SPECIAL & set(local + domain):
        raise ValueError(f"{text!r} is not an e-mail address: write it as name@example.com")
    return text


Address = Annotated[str, AfterValidator(_address)]


def _addresses(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_address(text) for text in texts)


class AlertSettings(Settings):
    """The mail server, and how often it may be used."""

    model_config = SettingsConfigDict(env_prefix="ALERT_")

    smtp_host: str = Field(
        "", description="The mail server for alerts; if empty, alerts are only logged."
    )
    smtp_port: int | None = Field(
        None,
        gt=0,
        lt=65536,
        description="Its port; if not set, 587, 465 or 25 by `ALERT_SMTP_TLS`.",
    )
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is encrypted: `starttls`, `tls` or `none`."
    )
    smtp_user: str = Field("", description="The name to log in with; if empty, there is no login.")
    smtp_password: SecretStr = Field(SecretStr(""), description="The password to log in with.")
    smtp_ca_file: str = Field(
        "",
        description="A PEM file of certificate authorities to trust besides the machine's own.",
    )
    sender: Address | Literal[""] = Field("", description="The address that alerts come from.")
    recipients: Annotated[CommaSeparated, AfterValidator(_addresses)] = Field(
        (), description="The addresses that alerts go to, separated by commas."
    )
    timeout: float = Field(
        10, gt=0, description="Seconds to wait for each answer of the mail server."
    )
    repeat_after: float = Field(
        3600, ge=0, description="Seconds for which an alert that was e-mailed is not repeated."
    )
    max_per_hour: int = Field(
        20, gt=0, description="E-mails in any hour; further alerts are only logged."
    )

    @property
    def port(self) -> int:
        """The port, by default the standard one of the kind of encryption."""
        return self.smtp_port or _PORTS[self.smtp_tls]

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        login = bool(self.smtp_user), bool(self.smtp_password.get_secret_value())
        if not self.smtp_host and (self.sender or self.recipients or any(login)):
            raise ValueError("ALERT_SMTP_HOST must name the mail server if alerts are to be sent")
        if self.smtp_host and not (self.sender and self.recipients):
            raise ValueError("ALERT_SENDER and ALERT_RECIPIENTS must be set with ALERT_SMTP_HOST")
        if any(login) and not all(login):
            raise ValueError("ALERT_SMTP_USER and ALERT_SMTP_PASSWORD must be set together")
        if any(login) and self.smtp_tls == "none":
            raise ValueError(
                "ALERT_SMTP_TLS=none would send ALERT_SMTP_PASSWORD in the clear: "
                "use starttls or tls, or log in without a password"
            )
        return self

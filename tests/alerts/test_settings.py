"""What can be set about alerts, and what cannot."""

import pytest

from alerts.settings import AlertSettings
from process.settings import SettingsError, read

COMPLETE = {
    "ALERT_SMTP_HOST": "mail.example.com",
    "ALERT_SENDER": "classifier@example.com",
    "ALERT_RECIPIENTS": "ops@example.com, dev@example.com",
}
LOGIN = {"ALERT_SMTP_USER": "classifier", "ALERT_SMTP_PASSWORD": "open sesame"}


def settings(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> AlertSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read(AlertSettings)


def test_by_default_nothing_is_mailed() -> None:
    assert read(AlertSettings).smtp_host == ""


def test_recipients_stand_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    recipients = settings(monkeypatch, COMPLETE).recipients
    assert recipients == ("ops@example.com", "dev@example.com")


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_is_that_of_the_encryption(
    monkeypatch: pytest.MonkeyPatch, tls: str, port: int
) -> None:
    assert settings(monkeypatch, COMPLETE | {"ALERT_SMTP_TLS": tls}).port == port
    assert settings(monkeypatch, {"ALERT_SMTP_PORT": "2525"}).port == 2525


def test_a_login_goes_with_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    password = settings(monkeypatch, COMPLETE | LOGIN).smtp_password
    assert password.get_secret_value() == "open sesame"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ALERT_SMTP_HOST": ""}, ["ALERT_SMTP_HOST"]),
        ({"ALERT_SENDER": ""}, ["ALERT_SENDER", "ALERT_SMTP_HOST"]),
        ({"ALERT_RECIPIENTS": " , "}, ["ALERT_RECIPIENTS", "ALERT_SMTP_HOST"]),
        ({"ALERT_SMTP_USER": ""}, ["ALERT_SMTP_USER", "ALERT_SMTP_PASSWORD"]),
        ({"ALERT_SMTP_PASSWORD": ""}, ["ALERT_SMTP_USER", "ALERT_SMTP_PASSWORD"]),
        ({"ALERT_SMTP_PASSWORD": "sesame, öffne dich"}, ["ALERT_SMTP_PASSWORD"]),
        ({"ALERT_SMTP_TLS": "none"}, ["ALERT_SMTP_TLS", "ALERT_SMTP_PASSWORD"]),
        ({"ALERT_SMTP_TLS": "ssl"}, ["ALERT_SMTP_TLS", "'starttls', 'tls' or 'none'"]),
        ({"ALERT_SMTP_PORT": "65536"}, ["ALERT_SMTP_PORT"]),
        ({"ALERT_TIMEOUT": "0"}, ["ALERT_TIMEOUT"]),
        ({"ALERT_TIMEOUT": "inf"}, ["ALERT_TIMEOUT"]),
        ({"ALERT_REPEAT_AFTER": "-1"}, ["ALERT_REPEAT_AFTER"]),
        ({"ALERT_MAX_PER_HOUR": "many"}, ["ALERT_MAX_PER_HOUR"]),
    ],
)
def test_what_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], named: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(monkeypatch, COMPLETE | LOGIN | changes)
    assert all(name in str(caught.value) for name in named)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("name", ["ALERT_SENDER", "ALERT_RECIPIENTS"])
@pytest.mark.parametrize(
    "address",
    [
        "ops",
        "ops@",
        "@example.com",
        "Ops <ops@example.com>",
        "a b@example.com",
        "a@b\nBcc:c@d",
        "ö@b",
    ],
)
def test_an_address_is_plain(monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: .* is not a plain e-mail address"):
        settings(monkeypatch, COMPLETE | {name: address})

"""E-mails to a real server: encrypted, logged in, refused, and with hostile texts."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.errors import BadCertificateFile, Refused, Unavailable
from alerts.mailer import Mailer
from alerts.settings import AlertSettings
from alerts.text import one_line
from process.errors import UsageError
from tests.alerts.smtp_process import SMTPServer

Start = Callable[..., SMTPServer]
SettingsFor = Callable[..., AlertSettings]
Certificate = Callable[[str], str]

LOGIN = {"user": "classifier", "password": "open sesame"}
OUR_LOGIN = {"smtp_user": "classifier", "smtp_password": "open sesame"}


def deliver(settings: AlertSettings) -> dict[str, str]:
    mailer = Mailer(settings)
    return mailer.deliver(mailer.compose("[api] failed", "It failed.\n"))


def test_headers_say_who_what_and_when(smtp_server: Start, settings_for: SettingsFor) -> None:
    server = smtp_server()
    recipients = ("ops@example.com", "dev@example.com")
    assert deliver(settings_for(server, recipients=recipients)) == {}
    [message] = server.wait_for_messages()
    assert message["From"] == "classifier@example.com"
    assert message["To"] == "ops@example.com, dev@example.com"
    assert message["Subject"] == "[api] failed"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[^@\s]+@example\.com>", message["Message-ID"])
    age = datetime.now(UTC) - parsedate_to_datetime(message["Date"])
    assert timedelta(minutes=-1) < age < timedelta(minutes=5)
    assert message.get_content() == "It failed.\n"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_encrypted_and_logged_in(
    smtp_server: Start,
    settings_for: SettingsFor,
    certificate: Certificate,
    ca_file: str,
    tls: str,
) -> None:
    server = smtp_server(tls=tls, certificate=certificate("127.0.0.1"), **LOGIN)
    deliver(settings_for(server, smtp_tls=tls, smtp_ca_file=ca_file, **OUR_LOGIN))
    assert len(server.wait_for_messages()) == 1


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    smtp_server: Start, settings_for: SettingsFor, certificate: Certificate, tls: str
) -> None:
    server = smtp_server(tls=tls, certificate=certificate("127.0.0.1"))
    with pytest.raises(Refused, match="certificate verify failed"):
        deliver(settings_for(server, smtp_tls=tls))
    assert server.messages() == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_of_another_host_is_refused(
    smtp_server: Start,
    settings_for: SettingsFor,
    certificate: Certificate,
    ca_file: str,
    tls: str,
) -> None:
    server = smtp_server(tls=tls, certificate=certificate("mail.example.com"))
    with pytest.raises(Refused, match=r"certificate is not valid for '127.0.0.1'"):
        deliver(settings_for(server, smtp_tls=tls, smtp_ca_file=ca_file))
    assert server.messages() == []


def test_a_server_without_starttls_gets_nothing(
    smtp_server: Start, settings_for: SettingsFor
) -> None:
    server = smtp_server()
    with pytest.raises(Refused, match="STARTTLS"):
        deliver(settings_for(server, smtp_tls="starttls"))
    assert server.messages() == []


def test_a_wrong_password_is_refused_and_not_told(
    smtp_server: Start, settings_for: SettingsFor, certificate: Certificate, ca_file: str
) -> None:
    server = smtp_server(tls="starttls", certificate=certificate("127.0.0.1"), **LOGIN)
    wrong = {"smtp_user": "classifier", "smtp_password": "close sesame"}
    with pytest.raises(Refused, match=r"^535 ") as caught:
        deliver(settings_for(server, smtp_tls="starttls", smtp_ca_file=ca_file, **wrong))
    assert "sesame" not in repr(caught.value) + repr(caught.value.__cause__)


def test_a_server_that_wants_a_login_refuses_us_without(
    smtp_server: Start, settings_for: SettingsFor, certificate: Certificate, ca_file: str
) -> None:
    server = smtp_server(tls="starttls", certificate=certificate("127.0.0.1"), **LOGIN)
    with pytest.raises(Refused, match=r"^530 "):
        deliver(settings_for(server, smtp_tls="starttls", smtp_ca_file=ca_file))


def test_a_server_that_knows_no_login_is_refused(
    smtp_server: Start, settings_for: SettingsFor, certificate: Certificate, ca_file: str
) -> None:
    server = smtp_server(tls="starttls", certificate=certificate("127.0.0.1"))
    settings = settings_for(server, smtp_tls="starttls", smtp_ca_file=ca_file, **OUR_LOGIN)
    with pytest.raises(Refused, match=r"^535 "):
        deliver(settings)


def test_an_only_recipient_can_be_refused(smtp_server: Start, settings_for: SettingsFor) -> None:
    server = smtp_server(refuse="ops@example.com")
    with pytest.raises(Refused, match=r"^550 no such mailbox"):
        deliver(settings_for(server))


def test_one_of_several_recipients_can_be_refused(
    smtp_server: Start, settings_for: SettingsFor
) -> None:
    server = smtp_server(refuse="gone@example.com")
    settings = settings_for(server, recipients=("gone@example.com", "ops@example.com"))
    assert deliver(settings) == {"gone@example.com": "550 no such mailbox"}
    assert len(server.wait_for_messages()) == 1


def test_a_busy_server_may_be_tried_again(smtp_server: Start, settings_for: SettingsFor) -> None:
    settings = settings_for(server := smtp_server(busy=1))
    with pytest.raises(Unavailable, match=r"^451 try again later"):
        deliver(settings)
    deliver(settings)
    assert len(server.wait_for_messages()) == 1


def test_a_server_that_is_down_may_be_tried_again(
    smtp_server: Start, settings_for: SettingsFor
) -> None:
    server = smtp_server()
    server.stop()
    with pytest.raises(Unavailable, match="Connection refused"):
        deliver(settings_for(server))


@pytest.mark.parametrize("tls", ["none", "starttls", "tls"])
def test_a_server_that_never_answers_is_given_up(
    smtp_server: Start, settings_for: SettingsFor, tls: str
) -> None:
    server = smtp_server(silent=True)
    with pytest.raises(Unavailable, match="timed out"):
        deliver(settings_for(server, smtp_tls=tls, timeout=0.1))


def test_a_subject_cannot_add_a_header(smtp_server: Start, settings_for: SettingsFor) -> None:
    settings = settings_for(server := smtp_server())
    mailer = Mailer(settings)
    for newline in ("\n", "\r\n", "\r", "\u2028", "\x85", "\n\n"):
        mailer.deliver(mailer.compose(f"a{newline}Bcc: thief@example.com", "b"))
    for message in server.wait_for_messages(6):
        assert message["Subject"] == "a Bcc: thief@example.com"
        assert "Bcc" not in message
        assert message.get_content() == "b\n"


def test_texts_of_any_language_arrive(smtp_server: Start, settings_for: SettingsFor) -> None:
    settings = settings_for(server := smtp_server())
    mailer = Mailer(settings)
    mailer.deliver(mailer.compose("Größe 模型 🙂 " * 12, f"模型\n.\n..\n{'x' * 5000}\n\udcff"))
    [message] = server.wait_for_messages()
    assert message["Subject"] == ("Größe 模型 🙂 " * 12).strip()
    assert message.get_content() == f"模型\n.\n..\n{'x' * 5000}\n\\udcff\n"


@given(st.text(st.characters()), st.text(st.characters()))
@example("0000 000000000000000" + "¡" * 11 + "\ud7fc" + "¡", "")  # breaks between two words
@example("=?utf-8?q?Bcc=3A?= thief@example.com", "")  # is no encoded word
@example("word " * 60, "")
def test_every_text_survives_the_envelope(subject: str, body: str) -> None:
    wire = Mailer(AlertSettings()).compose(subject, body).as_bytes(policy=policy.SMTP)
    assert max(map(len, wire.splitlines())) <= 998  # RFC 5322, 2.1.1
    message = message_from_bytes(wire.replace(b"\r\n", b"\n"), policy=policy.default)
    assert message["Subject"] == one_line(subject)
    expected = re.sub("\r\n|\r", "\n", body.encode(errors="backslashreplace").decode())
    assert message.get_content().rstrip("\n") == expected.rstrip("\n")


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), ("not a certificate", "NO_CERTIFICATE")]
)
def test_a_file_of_authorities_must_be_readable(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(
        BadCertificateFile, match=f"^ALERT_SMTP_CA_FILE: {path} .*{reason}"
    ) as caught:
        Mailer(AlertSettings(smtp_ca_file=str(path)))
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2

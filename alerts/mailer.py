"""E-mails over SMTP: composed with safe headers, delivered over a verified connection."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy
from email.utils import make_msgid
from typing import Any

from alerts.errors import BadCertificateFile, Refused, Unavailable
from alerts.settings import AlertSettings
from alerts.text import one_line


class Mailer:
    """One mail server, and the addresses on the envelope, as the settings have them.

    Raises:
        BadCertificateFile: ALERT_SMTP_CA_FILE cannot be read.
    """

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings
        self._context = _context(settings.smtp_ca_file)

    def compose(self, subject: str, body: str) -> EmailMessage:
        """Make an e-mail of now, whatever characters the texts contain."""
        message = EmailMessage(_POLICY)
        message["From"] = self._settings.sender
        message["To"] = ", ".join(self._settings.recipients)
        message["Subject"] = one_line(subject)
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = make_msgid(domain=self._settings.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: answered by no automaton
        message.set_content(body.encode(errors="backslashreplace").decode())
        return message

    def deliver(self, message: EmailMessage) -> dict[str, str]:
        """Hand the e-mail to the server.

        Returns:
            The recipients that the server refused, with its reasons, if it took any others.

        Raises:
            Refused: it would not take the e-mail at another time either.
            Unavailable: it might.
        """
        with _translated(), self._session() as session:
            refused = session.send_message(message)
        return {address: _answer(*answer) for address, answer in refused.items()}

    @contextlib.contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        session = self._connect()
        try:
            if self._settings.smtp_tls == "starttls":
                session.starttls(context=self._context)
            if self._settings.smtp_user:
                password = self._settings.smtp_password.get_secret_value()
                session.login(self._settings.smtp_user, password)
            yield session
        finally:
            # Once the server has taken the e-mail, how it says goodbye changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                session.quit()
            session.close()

    def _connect(self) -> smtplib.SMTP:
        host, port = self._settings.smtp_host, self._settings.port
        timeout = self._settings.timeout
        if self._settings.smtp_tls == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=timeout, context=self._context)
        return smtplib.SMTP(host, port, timeout=timeout)


class _Subject(UnstructuredHeader, BaseHeader):
    """A text that arrives as it is.

    The class of the email package loses the space between two words that are not ASCII where it
    breaks the line there (https://github.com/python/cpython/issues/92081), and decodes what looks
    encoded. Its older one does neither.
    """

    max_count = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        super().parse("", kwds)  # for the tree, which nothing but the folding reads
        kwds["decoded"] = value

    def fold(self, *, policy: Policy) -> str:
        text = str(self)
        plain = text.isascii() and "=?" not in text
        header = Header(text, "us-ascii" if plain else "utf-8", header_name=self.name)
        return f"{self.name}: {header.encode(linesep=policy.linesep)}{policy.linesep}"


def _policy() -> "policy.EmailPolicy[EmailMessage]":
    headers = HeaderRegistry()
    headers.map_to_type("subject", _Subject)
    return policy.default.clone(header_factory=headers)


_POLICY = _policy()


def _context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()  # verifies certificates and host names
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise BadCertificateFile(
                f"ALERT_SMTP_CA_FILE: {ca_file} cannot be read as PEM certificates "
                f"({error.strerror or error})"
            ) from None
    return context


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Sort the errors of smtplib, ssl and socket by whether another try can help."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        answers = [_answer(*answer) for answer in error.recipients.values()]
        passing = any(code < 500 for code, _ in error.recipients.values())
        raise (Unavailable if passing else Refused)("; ".join(answers)) from error
    except smtplib.SMTPServerDisconnected as error:
        raise Unavailable(str(error)) from error
    except smtplib.SMTPResponseException as error:
        passing = error.smtp_code < 500
        answer = _answer(error.smtp_code, error.smtp_error)
        raise (Unavailable if passing else Refused)(answer) from error
    except (smtplib.SMTPException, ssl.SSLCertVerificationError, UnicodeError) as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Unavailable(str(error) or type(error).__name__) from error


def _answer(code: int, text: bytes | str) -> str:
    return f"{code} {text if isinstance(text, str) else text.decode(errors='backslashreplace')}"

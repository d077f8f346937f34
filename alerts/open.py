"""From settings to a sender of alerts."""

from alerts.limiter import Limiter
from alerts.mailer import Mailer
from alerts.sender import AlertSender
from alerts.settings import AlertSettings


def open_alerts(settings: AlertSettings, service: str) -> AlertSender:
    """Make the sender of ``service``; without a mail server alerts are only logged.

    The sender delivers nothing before its ``start()``.

    Raises:
        BadCertificateFile: ALERT_SMTP_CA_FILE cannot be read.
    """
    mailer = Mailer(settings) if settings.smtp_host else None
    return AlertSender(service, mailer, Limiter(settings.repeat_after, settings.max_per_hour))

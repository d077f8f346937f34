"""Sending alerts from a thread of its own, so that whoever raises one goes on at once."""

import logging
import socket
import threading
import time
from datetime import UTC, datetime
from typing import Self

from alerts import text
from alerts.alert import Alert
from alerts.errors import Refused, Unavailable
from alerts.limiter import Limiter, Outcome
from alerts.mailer import Mailer
from alerts.outbox import Outbox, Pending
from process.backoff import Backoff

logger = logging.getLogger(__name__)

CAPACITY = 100  # e-mails that wait for the mail server
CLOSE_WITHIN = 10.0  # seconds
BACKOFF = Backoff(first=2, longest=300, give_up_after=6 * 3600)


class AlertSender:
    """Logs every alert, and e-mails those that the limiter lets through.

    A mail server that does not answer is tried again, with back-off. An e-mail that cannot be
    delivered ends in the log, whole, at level ERROR. Without a mailer alerts are only logged.

    Args:
        service: the program's name, which subjects begin with.
        mailer: how e-mails are made and delivered.
        limiter: which alerts become e-mails.
        backoff: when to try again, and when to give up.
    """

    def __init__(
        self, service: str, mailer: Mailer | None, limiter: Limiter, backoff: Backoff = BACKOFF
    ) -> None:
        self._service = service
        self._mailer = mailer
        self._limiter = limiter
        self._outbox = Outbox(backoff)
        self._thread: threading.Thread | None = None
        self._closed = False
        self._lock = threading.Lock()  # guards the limiter, and what the outbox is given

    def start(self) -> None:
        """Start delivering. To be called after any fork: threads do not survive one."""
        if self._mailer is not None and self._thread is None:
            self._thread = threading.Thread(
                target=self._deliver_all, args=[self._mailer], name="alerts", daemon=True
            )
            self._thread.start()

    def send(self, alert: Alert) -> None:
        """Log the alert and have it e-mailed. Never waits for the mail server, never raises."""
        try:
            _log(alert, self._post(alert))
        except Exception:  # whoever sends an alert has enough trouble
            logger.exception("%r could not be sent", alert)

    def close(self, timeout: float = CLOSE_WITHIN) -> None:
        """Deliver what can be delivered within ``timeout`` seconds, and log the rest."""
        with self._lock:
            self._closed = True
        self._outbox.close(time.monotonic() + timeout)
        try:
            if self._thread is not None:
                self._thread.join(timeout)
        finally:  # even if a person does not want to wait
            for pending in self._outbox.drain():
                _log_undelivered(pending)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _post(self, alert: Alert) -> str:
        """Put the alert's e-mail into the outbox, and say in a word what became of it."""
        if self._mailer is None:
            return "none"
        with self._lock:
            if self._closed:
                return "closed"
            if len(self._outbox) >= CAPACITY:
                return "no room"
            decision = self._limiter.decide(alert.key, time.monotonic())
            if decision.outcome in (Outcome.SEND, Outcome.NOTICE):
                message = self._mailer.compose(
                    text.subject(alert, decision, self._service),
                    text.body(
                        alert, decision, self._service, socket.gethostname(), datetime.now(UTC)
                    ),
                )
                self._outbox.put(message)
        return str(decision.outcome)

    def _deliver_all(self, mailer: Mailer) -> None:
        while (pending := self._outbox.take()) is not None:
            try:
                refused = mailer.deliver(pending.message)
            except Unavailable as error:
                self._try_again(pending, str(error))
            except Refused as error:
                self._give_up(pending, str(error))
            except Exception as error:  # a bug of ours must not end the thread
                logger.exception("delivering an alert failed")
                self._give_up(pending, type(error).__name__)
            else:
                self._outbox.settle(pending)
                for address, answer in refused.items():
                    logger.error("the mail server refuses alerts for %s: %s", address, answer)

    def _try_again(self, pending: Pending, reason: str) -> None:
        delay = self._outbox.put_back(pending, reason)
        if delay is None:
            self._give_up(pending, reason)
        else:
            logger.warning("alert not delivered yet: %s; next try in %.1f s", reason, delay)

    def _give_up(self, pending: Pending, reason: str) -> None:
        if self._outbox.settle(pending):
            pending.reason = reason
            _log_undelivered(pending)


def _log(alert: Alert, fate: str) -> None:
    logger.log(
        logging.ERROR if fate in ("no room", "closed") else alert.level,
        "alert: %s",
        text.paragraph(alert.subject, alert.body),
        extra={"alert_key": alert.key, "alert_subject": alert.subject, "alert_email": fate},
    )


def _log_undelivered(pending: Pending) -> None:
    subject = str(pending.message["Subject"])
    logger.error(
        "alert not delivered, %s: %s",
        pending.reason,
        text.paragraph(subject, pending.message.get_content()),
        extra={"alert_subject": subject},
    )

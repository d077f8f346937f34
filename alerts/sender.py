"""Sending alerts from a thread of its own, so that whoever raises one goes on at once."""

import heapq
import logging
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Literal, Self

from alerts.alert import Alert
from alerts.backoff import Backoff
from alerts.errors import Unavailable
from alerts.limiter import Decision, Limiter
from alerts.mailer import Mailer

logger = logging.getLogger(__name__)

CAPACITY = 100  # e-mails waiting for the server
CLOSE_WITHIN = 10.0  # seconds
RETRIES = Backoff()

Fate = Literal["queued", "repeated", "over the cap", "queue full", "not configured", "closed"]


@dataclass(order=True)
class _Pending:
    """An e-mail that waits for its next try; the order is that of the tries."""

    due: float
    number: int
    since: float = field(compare=False)
    message: EmailMessage = field(compare=False)
    failures: int = field(default=0, compare=False)


class AlertSender:
    """Logs every alert and e-mails what the limiter lets through.

    A server that does not answer is tried again with back-off; an e-mail that cannot be delivered
    ends in the log, whole, at level ERROR. Without a mailer alerts are only logged.

    Args:
        service: the name that subjects begin with.
        mailer: how e-mails are made and delivered.
        limiter: which alerts become e-mails.
        backoff: when to try again, and when to give up.
    """

    def __init__(
        self, service: str, mailer: Mailer | None, limiter: Limiter, backoff: Backoff = RETRIES
    ) -> None:
        self._service = service
        self._mailer = mailer
        self._limiter = limiter
        self._backoff = backoff
        self._changed = threading.Condition()
        # The rest is read and written under the condition's lock only.
        self._waiting: list[_Pending] = []
        self._in_flight: _Pending | None = None
        self._accepted = 0
        self._deadline: float | None = None  # set by close()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start delivering. Call it after any fork: threads do not survive one."""
        if self._mailer is not None and self._thread is None:
            self._thread = threading.Thread(
                target=self._deliver_all, args=[self._mailer], name="alerts", daemon=True
            )
            self._thread.start()

    def send(self, alert: Alert) -> None:
        """Log the alert and queue its e-mail. Never blocks on the mail server, never raises."""
        try:
            fate = self._queue(alert)
            level = logging.ERROR if fate in ("queue full", "closed") else logging.WARNING
            logger.log(
                level,
                "alert: %s: %s",
                alert.subject,
                alert.body,
                extra={"alert": alert.key, "subject": alert.subject, "email": fate},
            )
        except Exception:
            logger.exception("alert %r could not be sent", alert)

    def close(self, timeout: float = CLOSE_WITHIN) -> None:
        """Deliver what can be delivered within ``timeout`` seconds, and log the rest."""
        with self._changed:
            now = time.monotonic()
            self._deadline = now + timeout
            for pending in self._waiting:
                pending.due = now
            heapq.heapify(self._waiting)
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)
        with self._changed:
            left = sorted(self._waiting)
            if self._in_flight is not None:
                left.insert(0, self._in_flight)
            self._waiting, self._in_flight = [], None
        for pending in left:
            _log_undelivered(pending, "the program ends")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _queue(self, alert: Alert) -> Fate:
        if self._mailer is None:
            return "not configured"
        with self._changed:
            if self._deadline is not None:
                return "closed"
            if len(self._waiting) >= CAPACITY:
                return "queue full"
            now = time.monotonic()
            decision = self._limiter.decide(alert.key, now)
            if decision.verdict == "repeated" or decision.verdict == "over the cap":
                return decision.verdict
            message = self._compose(self._mailer, alert, decision)
            self._accepted += 1
            heapq.heappush(self._waiting, _Pending(now, self._accepted, now, message))
            self._changed.notify_all()
        return "queued" if decision.verdict == "send" else "over the cap"

    def _compose(self, mailer: Mailer, alert: Alert, decision: Decision) -> EmailMessage:
        subject, body = alert.subject, alert.body
        if decision.verdict == "first over the cap":
            subject = "Too many alerts: further ones are only in the log for now"
            body = f"The first that is not e-mailed: {alert.subject}\n\n{alert.body}"
        return mailer.compose(
            f"[{self._service}] {subject}",
            f"{body}\n\nService: {self._service}\nHost: {socket.gethostname()}\n"
            f"Time: {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n{_held_back(decision)}",
        )

    def _deliver_all(self, mailer: Mailer) -> None:
        while (pending := self._next()) is not None:
            try:
                refused = mailer.deliver(pending.message)
            except Unavailable as error:
                self._retry(pending, str(error))
            except Exception as error:
                if self._done(pending):
                    _log_undelivered(pending, str(error), exc_info=True)
            else:
                self._done(pending)
                for address, answer in refused.items():
                    logger.error("the mail server refuses alerts for %s: %s", address, answer)

    def _next(self) -> _Pending | None:
        """Wait for the next e-mail that is due; None when there is nothing left to do."""
        with self._changed:
            while True:
                now = time.monotonic()
                due = self._waiting[0].due if self._waiting else None
                if due is not None and due <= now:
                    self._in_flight = heapq.heappop(self._waiting)
                    return self._in_flight
                if self._deadline is not None and (due is None or due >= self._deadline):
                    return None
                self._changed.wait(None if due is None else due - now)

    def _retry(self, pending: _Pending, reason: str) -> None:
        delay = self._backoff.delay(pending.failures + 1)
        with self._changed:
            if self._in_flight is not pending:
                return  # close() has run out of time, and logged it
            self._in_flight = None
            now = time.monotonic()
            again = now + delay - pending.since < self._backoff.give_up_after
            if again:
                pending.failures += 1
                pending.due = now + delay
                heapq.heappush(self._waiting, pending)
        if again:
            logger.warning("alert not delivered yet (%s); next try in %.0f s", reason, delay)
        else:
            _log_undelivered(pending, reason)

    def _done(self, pending: _Pending) -> bool:
        """Take the e-mail off the books; False if close() already has."""
        with self._changed:
            ours = self._in_flight is pending
            if ours:
                self._in_flight = None
            return ours


def _held_back(decision: Decision) -> str:
    lines = [f"- {count} more of {key}" for key, count in decision.repeated.items()]
    if decision.over_the_cap:
        lines.append(f"- {decision.over_the_cap} over the limit of e-mails in an hour")
    return "\n".join(["\nHeld back since the last e-mail:", *lines, ""]) if lines else ""


def _log_undelivered(pending: _Pending, reason: str, exc_info: bool = False) -> None:
    logger.error(
        "alert not delivered (%s): %s\n%s",
        reason,
        pending.message["Subject"],
        pending.message.get_content(),
        exc_info=exc_info,
    )

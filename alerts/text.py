"""The words of an alert: in a header, in an e-mail, in the log."""

import textwrap
from collections.abc import Iterator
from datetime import datetime

from alerts.alert import Alert
from alerts.limiter import Decision, Outcome

LONGEST_LINE = 200  # characters of a subject; the rest is cut


def one_line(text: str) -> str:
    """The text as one line of printable characters, which can forge no header and no log line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def paragraph(subject: str, body: str) -> str:
    """The whole text for the log, indented so that it can forge no log line."""
    return f"{one_line(subject)}\n{textwrap.indent(body.strip(), '    ')}"


def subject(alert: Alert, decision: Decision, service: str) -> str:
    """The subject of the e-mail that goes out for ``alert``."""
    capped = decision.outcome is Outcome.NOTICE
    text = "too many alerts, further ones are only logged for now" if capped else alert.subject
    return one_line(f"[{service}] {text}")


def body(alert: Alert, decision: Decision, service: str, host: str, time: datetime) -> str:
    """The body of the e-mail: what happened, where, when, and what was held back before it.

    Args:
        alert: what happened.
        decision: the limiter's, which is to send an e-mail.
        service: the program.
        host: the machine or container that it runs in.
        time: when it happened, in UTC.
    """
    lines = [alert.body.strip(), ""]
    if decision.outcome is Outcome.NOTICE:
        lines = [f"The first alert that was held back: {alert.subject}", "", *lines]
    lines += [f"Service: {service}", f"Host: {host}", f"Time: {time:%Y-%m-%d %H:%M:%S} UTC"]
    held_back = list(_held_back(decision))
    if held_back:
        lines += ["", "Held back since the last e-mail:", *held_back]
    return "\n".join([*lines, ""])


def _held_back(decision: Decision) -> Iterator[str]:
    for key, count in decision.repeated.items():
        yield f"- {count} more of {one_line(key)}"
    if decision.capped:
        yield f"- {decision.capped} over the limit of e-mails in an hour"

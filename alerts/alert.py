"""What an operator is told."""

import logging
from dataclasses import dataclass


@dataclass(frozen=True)
class Alert:
    """Something an operator should know about.

    Attributes:
        key: the kind of event, as ``registry-unreachable``: of alerts with equal keys within a
            while, only the first is e-mailed. A key that is unique is never held back for that.
        subject: one line; e-mailed as ``[service] subject``.
        body: what happened and what to do about it.
        level: how the log ranks it; good news that somebody waits for is ``logging.INFO``.
    """

    key: str
    subject: str
    body: str
    level: int = logging.WARNING

"""Which alerts become e-mails: no repetitions within a while, and only so many in an hour.

Pure: no I/O, and time is an argument.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

HOUR = 3600.0


class Outcome(StrEnum):
    """What becomes of an alert's e-mail."""

    SEND = "send"
    """It goes out."""
    REPEATED = "repeated"
    """It is held back: one of the same key went out a short while ago."""
    CAPPED = "capped"
    """It is held back: too many went out within the hour."""
    NOTICE = "notice"
    """As CAPPED, and for the first time in an hour: a notice of that goes out in its place."""


@dataclass(frozen=True)
class Decision:
    """An outcome, and what the e-mail should say of those that were held back before it.

    Attributes:
        outcome: what becomes of the e-mail.
        repeated: by key, how many were held back as repeated since the last e-mail or notice.
        capped: how many were held back by the cap since the last e-mail.
    """

    outcome: Outcome
    repeated: Mapping[str, int] = field(default_factory=dict)
    capped: int = 0


class Limiter:
    """Decides on each alert in turn. Not thread-safe: its owner holds a lock.

    Args:
        repeat_after: seconds after an e-mail within which further ones of its key are held back.
        max_per_hour: e-mails in any hour, not counting the notice that there are too many.
    """

    def __init__(self, repeat_after: float, max_per_hour: int) -> None:
        self._repeat_after = repeat_after
        self._max_per_hour = max_per_hour
        self._sent: deque[float] = deque()
        self._sent_by_key: dict[str, float] = {}  # in the order of sending
        self._noticed = -HOUR
        self._repeated: Counter[str] = Counter()
        self._capped = 0

    def decide(self, key: str, now: float) -> Decision:
        """Decide on an alert that happens ``now``: seconds on a clock that starts at 0 or later."""
        self._forget(now)
        if key in self._sent_by_key:
            self._repeated[key] += 1
            return Decision(Outcome.REPEATED)
        if len(self._sent) < self._max_per_hour:
            return self._send(key, now)
        self._capped += 1
        if now - self._noticed < HOUR:
            return Decision(Outcome.CAPPED)
        self._noticed = now
        return Decision(Outcome.NOTICE, self._take_repeated())

    def _forget(self, now: float) -> None:
        while self._sent and now - self._sent[0] >= HOUR:
            self._sent.popleft()
        while self._sent_by_key:
            key, sent = next(iter(self._sent_by_key.items()))
            if now - sent < self._repeat_after:
                break
            del self._sent_by_key[key]

    def _send(self, key: str, now: float) -> Decision:
        self._sent.append(now)
        self._sent_by_key[key] = now
        capped, self._capped = self._capped, 0
        return Decision(Outcome.SEND, self._take_repeated(), capped)

    def _take_repeated(self) -> Mapping[str, int]:
        repeated, self._repeated = self._repeated, Counter()
        return repeated

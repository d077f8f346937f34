"""Which alerts become e-mails: no repetitions within a while, and only so many an hour.

Pure: no I/O, and time is an argument.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HOUR = 3600.0

Verdict = Literal["send", "repeated", "first over the cap", "over the cap"]


@dataclass(frozen=True)
class Decision:
    """What becomes of an alert's e-mail.

    Attributes:
        verdict: ``send`` it; hold it back because it is ``repeated``; or because it is over the
            cap, where for the first one in an hour a notice goes out in its place.
        repeated: by key, the alerts held back as repeated since the last e-mail. Filled in where
            an e-mail goes out.
        over_the_cap: how many were held back by the cap since the last alert that was sent.
    """

    verdict: Verdict
    repeated: Mapping[str, int] = field(default_factory=dict)
    over_the_cap: int = 0


class Limiter:
    """Decides for each alert in turn. Not thread-safe: its owner holds a lock.

    Args:
        repeat_after: seconds after an e-mail within which equal keys are held back.
        max_per_hour: alerts e-mailed in any hour, the notice that this was reached not counted.
    """

    def __init__(self, repeat_after: float, max_per_hour: int) -> None:
        self._repeat_after = repeat_after
        self._max_per_hour = max_per_hour
        self._sent_by_key: dict[str, float] = {}  # in the order of sending
        self._sent: deque[float] = deque()
        self._noticed = -HOUR
        self._repeated: Counter[str] = Counter()
        self._over_the_cap = 0

    def decide(self, key: str, now: float) -> Decision:
        """Decide on an alert that happens ``now``, in seconds on a clock that never goes back."""
        self._forget(now)
        if key in self._sent_by_key:
            self._repeated[key] += 1
            return Decision("repeated")
        if len(self._sent) < self._max_per_hour:
            return self._send(key, now)
        self._over_the_cap += 1
        if now - self._noticed < HOUR:
            return Decision("over the cap")
        self._noticed = now
        return Decision("first over the cap", self._take_repeated())

    def _forget(self, now: float) -> None:
        while self._sent and now - self._sent[0] >= HOUR:
            self._sent.popleft()
        for key, sent in list(self._sent_by_key.items()):
            if now - sent < self._repeat_after:
                break
            del self._sent_by_key[key]

    def _send(self, key: str, now: float) -> Decision:
        self._sent.append(now)
        self._sent_by_key[key] = now
        over_the_cap, self._over_the_cap = self._over_the_cap, 0
        return Decision("send", self._take_repeated(), over_the_cap)

    def _take_repeated(self) -> Mapping[str, int]:
        repeated, self._repeated = self._repeated, Counter()
        return repeated

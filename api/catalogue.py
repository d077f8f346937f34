"""What the registry holds, for callers to read.

The registry may be away or slow, and callers are many: one of them at a time asks it, and what it
answered is kept for some seconds. Nobody waits behind another.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from api.errors import RegistryAway
from registry.errors import RegistryError
from registry.record import StageRecord
from registry.store import Registry

CALL_TIMEOUT = 5.0  # seconds that one call to the registry may take; a listing makes three
KEPT = 10.0  # seconds


@dataclass(frozen=True)
class Listing:
    """The versions of a registry, and what is in its stages.

    Attributes:
        versions: every version, oldest first.
        testing: what is in testing; None if it is empty.
        production: what is in production; None if it is empty.
        asked: when the registry said so, ISO 8601, UTC.
    """

    versions: tuple[str, ...]
    testing: StageRecord | None
    production: StageRecord | None
    asked: str


class Catalogue:
    """Lists a registry for many callers.

    Args:
        registry: the registry, whose calls end within :data:`CALL_TIMEOUT`.
        clock: seconds that never go back.
    """

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._asking = threading.Lock()
        self._known: Listing | RegistryAway = RegistryAway(
            "the registry is being asked for the first time"
        )
        self._until = clock()

    def listing(self) -> Listing:
        """What the registry holds, or held some seconds ago.

        Raises:
            RegistryAway: it cannot be asked; the message has the reason.
        """
        if self._clock() >= self._until and self._asking.acquire(blocking=False):
            try:
                self._known = self._ask()
                self._until = self._clock() + KEPT
            finally:
                self._asking.release()
        if isinstance(self._known, RegistryAway):
            raise self._known
        return self._known

    def _ask(self) -> Listing | RegistryAway:
        try:
            stages = [self._registry.current(stage) for stage in ("testing", "production")]
            testing, production = (state.record if state else None for state in stages)
            return Listing(tuple(self._registry.versions()), testing, production, now())
        except RegistryError as error:
            return RegistryAway(f"the registry cannot be listed: {error}")


def now() -> str:
    """The time, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")

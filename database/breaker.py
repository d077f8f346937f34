"""A circuit breaker (Nygard, "Release It!", 2007): who waits for an answer needs one soon."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from database.errors import DatabaseAway, DatabaseError

PAUSE = 2.0  # seconds between two tries of a database that cannot be used

logger = logging.getLogger(__name__)


class Breaker:
    """Keeps those who answer requests from waiting, one after another, for a database in vain.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._retry_at: float | None = None  # while the database cannot be used

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let a block use the database, unless that has just failed.

        Raises:
            DatabaseAway: it has, and it is not yet time that one block tries again.
        """
        if not self._may_try():
            raise DatabaseAway("the database could not be used just now")
        failed = False
        try:
            yield
        except DatabaseError as error:
            logger.warning("%s; it is tried again every %d seconds", error, PAUSE)
            failed = True
            raise
        finally:
            self._retry_at = self._clock() + PAUSE if failed else None

    def _may_try(self) -> bool:
        with self._lock:
            if self._retry_at is None:
                return True
            if self._clock() < self._retry_at:
                return False
            self._retry_at = self._clock() + PAUSE
            return True

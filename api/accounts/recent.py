"""Users who were looked up lately, so that not every request asks the database.

A user who is disabled elsewhere is refused here within :data:`FRESH` seconds. While the database is
away, those looked up before may go on for a while, and everybody else is told to come back: nobody
is let in whom the database has not vouched for.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from api.accounts.errors import AccountsAway
from api.accounts.users import Account

FRESH = 5.0  # seconds for which what was looked up is taken for true
MOST = 10_000  # users that are remembered


@dataclass(frozen=True)
class Sight:
    """What the database said of a user, and when."""

    account: Account | None
    at: float


class RecentUsers:
    """Looks users up, for many threads.

    Args:
        look_up: asks the database for the user of an id; None if there is none.
        grace: seconds for which a user may go on while the database is away.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        look_up: Callable[[int], Account | None],
        grace: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up = look_up
        self._grace = max(grace, FRESH)
        self._clock = clock
        self._seen: OrderedDict[int, Sight] = OrderedDict()
        self._lock = threading.Lock()
        self._forgotten = 0  # how often somebody was

    def get(self, user_id: int, stamp: str) -> Account | None:
        """The user of that id, as at most some seconds ago; None if there is none.

        Args:
            user_id: of the user.
            stamp: of the password as a token has it. If it was another when the user was seen, one
                of the two is of an earlier password, and only the database knows which.

        Raises:
            AccountsAway: the database cannot be asked, and the user was not seen lately.
        """
        now = self._clock()
        seen = self._seen.get(user_id)
        if seen and seen.account and seen.account.stamp != stamp:
            seen = None
        if seen and now - seen.at < FRESH:
            return seen.account
        try:
            return self._ask(user_id, now)
        except AccountsAway:
            if seen and now - seen.at < self._grace:
                return seen.account
            raise

    def forget(self, user_id: int) -> None:
        """Ask the database at the user's next request."""
        with self._lock:
            self._forgotten += 1
            self._seen.pop(user_id, None)

    def _ask(self, user_id: int, now: float) -> Account | None:
        forgotten = self._forgotten
        account = self._look_up(user_id)
        with self._lock:
            if forgotten != self._forgotten:  # it may have been looked up before the change
                return account
            self._seen[user_id] = Sight(account, now)
            self._seen.move_to_end(user_id)
            if len(self._seen) > MOST:
                self._seen.popitem(last=False)
        return account

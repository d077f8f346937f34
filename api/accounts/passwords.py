"""Passwords, of which only hashes are kept.

A hash takes 64 MiB and a part of a second on purpose (Argon2id, RFC 9106), so whoever sends
passwords could exhaust the service: a few are made at once, and nobody waits behind them.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from api.accounts.errors import TooBusy

AT_ONCE = 2

# https://pages.nist.gov/800-63-4/sp800-63b.html, 3.1.1.2: 15 for what is the only factor.
SHORTEST, LONGEST = 15, 128  # characters


class Passwords:
    """Makes and checks hashes of passwords.

    Args:
        hasher: what makes one.
    """

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._free = threading.Semaphore(AT_ONCE)
        # Nobody's password: to check against it takes as long as against somebody's.
        self._nobody = hasher.hash(secrets.token_hex())

    def hash(self, password: str) -> str:
        """What to keep of a password.

        Raises:
            TooBusy: as many are being hashed as may be.
        """
        with self._turn():
            return self._hasher.hash(password)

    def matches(self, password: str, kept: str | None) -> bool:
        """Whether it is the password of which that was kept; never where nothing was.

        Raises:
            TooBusy: as many are being hashed as may be.
        """
        with self._turn():
            try:
                self._hasher.verify(kept or self._nobody, password)
            except VerifyMismatchError:
                return False
        return kept is not None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise TooBusy("other passwords are being checked: try again in a second")
        try:
            yield
        finally:
            self._free.release()

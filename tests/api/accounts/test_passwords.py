"""Hashes of passwords: right, few at once, and as much work for names that there are not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from api.accounts.errors import TooBusy
from api.accounts.passwords import AT_ONCE, Passwords
from tests.api.accounts.counting import CountingHasher


def test_a_password_matches_its_own_hash(hasher: CountingHasher) -> None:
    passwords = Passwords(hasher)
    kept = passwords.hash("päss \0 word")
    assert kept.startswith("$argon2id$")
    assert kept != passwords.hash("päss \0 word")
    assert passwords.matches("päss \0 word", kept)
    assert not passwords.matches("päss \0 worD", kept)


def test_nothing_matches_where_nothing_was_kept(hasher: CountingHasher) -> None:
    passwords = Passwords(hasher)
    assert not passwords.matches("", None)
    assert not passwords.matches("any", None)
    assert len(hasher.checks) == 2


def test_nobody_costs_as_much_as_somebody(hasher: CountingHasher) -> None:
    """The hash that is checked for a name that there is not has the same parameters."""
    passwords = Passwords(hasher)
    passwords.matches("any", None)
    passwords.matches("any", passwords.hash("other"))
    parameters = [str(kept).split("$")[1:4] for kept in hasher.checks]
    assert parameters[0] == parameters[1]


def test_the_usual_parameters_are_those_of_rfc_9106() -> None:
    usual = PasswordHasher()  # 4, second recommended option
    assert (usual.time_cost, usual.memory_cost, usual.parallelism) == (3, 64 * 1024, 4)
    assert usual.type.name == "ID"


class Held(CountingHasher):
    """One that makes hashes when it is told to."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.begun.release()
        assert self.go.wait(60)
        return super().verify(hash, password)


def test_nobody_waits_behind_the_two_that_are_being_checked() -> None:
    assert AT_ONCE == 2  # of 64 MiB each
    hasher = Held()
    passwords = Passwords(hasher)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        checks = [pool.submit(passwords.matches, "any", None) for _ in range(AT_ONCE)]
        for _ in checks:
            assert hasher.begun.acquire(timeout=60)
        for ask in (lambda: passwords.matches("any", None), lambda: passwords.hash("any")):
            with pytest.raises(TooBusy):
                ask()
        hasher.go.set()
        assert [check.result() for check in checks] == [False] * AT_ONCE
    assert not passwords.matches("any", None)

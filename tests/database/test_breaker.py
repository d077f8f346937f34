"""Who tries a database that cannot be used: one at a time, and nobody waits behind that one."""

import pytest

from database.breaker import Breaker
from database.errors import DatabaseAway, WrongSchema
from tests.clock import Clock


class Tried:
    """A database that can be away, behind a breaker."""

    def __init__(self, clock: Clock) -> None:
        self.breaker = Breaker(clock)
        self.error: Exception | None = None
        self.count = 0

    def ask(self) -> bool:
        """Whether it answers, if only that what was asked is wrong."""
        try:
            with self.breaker.trying():
                self.count += 1
                if self.error:
                    raise self.error
        except (DatabaseAway, WrongSchema):
            return False
        except KeyError:
            return True
        return True


@pytest.fixture
def tried(clock: Clock) -> Tried:
    return Tried(clock)


@pytest.mark.parametrize("error", [DatabaseAway("no route"), WrongSchema("too old")])
def test_one_at_a_time_tries_a_database_that_cannot_be_used(
    tried: Tried, clock: Clock, error: Exception
) -> None:
    assert tried.ask()
    tried.error = error
    begin = clock.now
    for seconds, count in [(0, 2), (0, 2), (1.9, 2), (2.0, 3), (3.9, 3), (4.0, 4)]:
        clock.now = begin + seconds
        assert not tried.ask()
        assert tried.count == count


def test_one_that_it_answers_lets_all_others_try(tried: Tried, clock: Clock) -> None:
    tried.error = DatabaseAway("no route")
    tried.ask()
    tried.error = None
    assert not tried.ask()
    clock.now += 2
    assert [tried.ask() for _ in range(3)] == [True] * 3


def test_what_is_wrong_with_a_question_says_that_it_answers(tried: Tried, clock: Clock) -> None:
    tried.error = KeyError("a name")
    assert [tried.ask() for _ in range(3)] == [True] * 3
    tried.error = DatabaseAway("no route")
    tried.ask()
    tried.error = KeyError("a name")
    clock.now += 2
    assert [tried.ask() for _ in range(3)] == [True] * 3


def test_nobody_waits_behind_a_try_that_hangs(tried: Tried, clock: Clock) -> None:
    tried.error = DatabaseAway("no route")
    tried.ask()
    clock.now += 2
    with tried.breaker.trying():  # as another thread may be, meanwhile
        assert not tried.ask()
        clock.now += 2
        assert not tried.ask()
        assert tried.count == 2
    tried.error = None
    assert tried.ask()


def test_that_it_cannot_be_used_is_logged_for_each_try(
    tried: Tried, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tried.error = DatabaseAway("no route")
    for _ in range(3):
        tried.ask()
    assert [record.getMessage() for record in caplog.records] == [
        "no route; it is tried again every 2 seconds"
    ]

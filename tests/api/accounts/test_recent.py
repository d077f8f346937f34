"""Users who were looked up lately, while the database is there, away and back."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.errors import AccountsAway
from api.accounts.recent import FRESH, MOST, RecentUsers
from api.accounts.users import Account
from database.models import Role

GRACE = 60.0  # seconds
STAMP = "stamp"


class Database:
    """Users by id, which can be away."""

    def __init__(self) -> None:
        self.now = 0.0
        self.away = False
        self.asked = 0
        self.disabled: set[int] = set()
        self.stamp = STAMP
        self.recent = RecentUsers(self.look_up, GRACE, lambda: self.now)

    def look_up(self, user_id: int) -> Account | None:
        self.asked += 1
        if self.away:
            raise AccountsAway("no route to the database")
        if user_id == 0:
            return None
        created = datetime(2026, 1, 1, tzinfo=UTC)
        disabled = user_id in self.disabled
        return Account(user_id, "anna", Role.CALLER, disabled, created, self.stamp)


@pytest.fixture
def database() -> Database:
    return Database()


def test_a_user_is_looked_up_again_when_it_was_five_seconds_ago(database: Database) -> None:
    for moment, asked in [(0.0, 1), (4.9, 1), (5.0, 2), (9.9, 2), (10.0, 3)]:
        database.now = moment
        database.recent.get(1, STAMP)
        assert database.asked == asked


def test_a_disabled_user_is_known_to_be_soon_and_at_once_where_it_is_told(
    database: Database,
) -> None:
    database.recent.get(1, STAMP)
    database.disabled.add(1)
    assert not database.recent.get(1, STAMP).disabled  # type: ignore[union-attr]
    database.recent.forget(1)
    assert database.recent.get(1, STAMP).disabled  # type: ignore[union-attr]


def test_a_token_of_another_password_than_was_seen_is_asked_about(database: Database) -> None:
    database.recent.get(1, "earlier")
    assert database.asked == 1
    database.stamp = "later"
    assert database.recent.get(1, "later").stamp == "later"  # type: ignore[union-attr]
    assert database.recent.get(1, STAMP).stamp == "later"  # type: ignore[union-attr]
    database.away = True
    assert database.recent.get(1, "later")
    with pytest.raises(AccountsAway):  # it may be of a password that is later still
        database.recent.get(1, "latest")


def test_what_was_looked_up_before_a_change_is_not_remembered(database: Database) -> None:
    def change_meanwhile(user_id: int) -> Account | None:
        found = database.look_up(user_id)
        database.disabled.add(user_id)
        database.recent.forget(user_id)
        return found

    database.recent._look_up = change_meanwhile
    database.recent.get(1, STAMP)
    assert database.recent.get(1, STAMP).disabled  # type: ignore[union-attr]


def test_a_known_user_may_go_on_for_a_while_and_no_other(database: Database) -> None:
    database.recent.get(1, STAMP)
    database.away = True
    database.now = GRACE - 0.1
    assert database.recent.get(1, STAMP)
    with pytest.raises(AccountsAway):
        database.recent.get(2, STAMP)
    database.now = GRACE
    with pytest.raises(AccountsAway):
        database.recent.get(1, STAMP)


def test_a_user_who_is_not_there_or_disabled_stays_so_while_it_is_away(database: Database) -> None:
    database.disabled.add(1)
    database.recent.get(0, STAMP)
    database.recent.get(1, STAMP)
    database.away, database.now = True, FRESH
    assert database.recent.get(0, STAMP) is None
    assert database.recent.get(1, STAMP).disabled  # type: ignore[union-attr]


def test_no_more_users_are_remembered_than_fit(database: Database) -> None:
    for user_id in range(1, MOST + 10):
        database.recent.get(user_id, STAMP)
    assert len(database.recent._seen) == MOST
    database.recent.get(MOST + 9, STAMP)
    assert database.asked == MOST + 9


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "fail", "mend", "disable"]), st.floats(0, 2 * GRACE)),
    max_size=30,
)


@given(STEPS)
def test_nobody_is_let_in_whom_the_database_disabled_long_ago(
    steps: list[tuple[str, float]],
) -> None:
    database = Database()
    disabled_at = float("inf")
    allowed = FRESH
    for step, seconds in steps:
        database.now += seconds
        if step == "disable":
            database.disabled.add(1)
            disabled_at = min(disabled_at, database.now)
        if step == "fail":
            database.away, allowed = True, GRACE
        if step == "mend":
            database.away = False
        with contextlib.suppress(AccountsAway):
            account = database.recent.get(1, STAMP)
            assert account
            assert account.disabled or database.now - disabled_at < allowed

"""The trail in a database of either kind: each row once, in order, for as long as it is to be."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import SecretStr
from sqlalchemy import delete, func, insert, select, text

from api.audit.entry import Entry
from api.audit.listing import Criteria
from api.audit.ratings import Rating
from api.audit.store import LATEST, Found, Store
from database.database import Database, open_database
from database.models import Base, Feedback, Image, Request, Response, Role, User
from database.settings import DatabaseSettings
from images import SHAPE
from images.encode import png
from tests.api.audit.entries import VERSION, answered, entry
from tests.waiting import until

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FOREVER = 60.0
QUOTA = 9  # images of each user
EVERYTHING = Criteria(None, None, None, "", 100)


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database, png, QUOTA)


@pytest.fixture
def two(database_url: str) -> Iterator[list[Store]]:
    """Stores of two services on one database."""
    settings = DatabaseSettings(url=SecretStr(database_url), timeout=60)
    databases = [open_database(settings) for _ in range(2)]
    databases[0].upgrade()
    yield [Store(database, png, QUOTA) for database in databases]
    for database in databases:
        database.close()


def count(database: Database, table: type[Base]) -> int:
    with database.session() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def ids(store: Store, which: Criteria = EVERYTHING) -> list[str]:
    return [each.request.id for each in store.listed(which)]


def add_user(database: Database, name: str) -> int:
    with database.session() as session:
        user = User(name=name, password_hash="hash", role=Role.CALLER)
        session.add(user)
        session.flush()
        return user.id


def with_pixels(value: int, when: datetime = NOON, user_id: int | None = None) -> Entry:
    pixels = np.full(SHAPE, value, np.uint8)
    return replace(entry(at=when, user_id=user_id), answers=(answered(value, pixels=pixels),))


def test_an_entry_comes_back_whole(store: Store, database: Database) -> None:
    anna = add_user(database, "anna")
    one = entry(2, NOON, user_id=anna, request_id="mine-1", status=503)
    store.write([one])
    (found,) = store.listed(EVERYTHING)
    request = found.request
    assert (request.id, request.request_id, request.at) == (one.id, "mine-1", NOON)
    assert (found.user, request.status, request.images) == ("anna", 503, 2)
    assert (request.method, request.path, request.milliseconds) == ("POST", "/predict", 1.5)
    assert [each.image_sha256 for each in found.responses] == [f"{n:064x}" for n in range(2)]
    last = found.responses[1]
    assert (last.version, last.index, last.name) == (VERSION, 1, "class 1")
    assert (last.label, last.confidence) == ("class 1", 0.75)


def test_what_is_written_again_is_there_once(store: Store, database: Database) -> None:
    first, second = entry(2), with_pixels(7)
    store.write([first])
    store.write([first, second])
    store.write([first, second])
    assert [count(database, table) for table in (Request, Response, Image)] == [2, 3, 1]


@pytest.fixture
def on_server(postgresql_url: str) -> Iterator[Database]:
    """A database on a server, where one waits for rows and not for the whole file."""
    settings = DatabaseSettings(url=SecretStr(postgresql_url), timeout=60)
    database = open_database(settings)
    database.upgrade()
    yield database
    database.close()


def wait_for_waiting(database: Database, count: int) -> None:
    """Wait until so many connections wait for others' rows."""
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def waiting() -> bool:
        with database.session() as session:
            return session.scalar(blocked) == count

    until(waiting)


def test_services_that_write_the_same_images_in_another_order_wait_for_no_circle(
    on_server: Database,
) -> None:
    store = Store(on_server, png, QUOTA)
    up = [with_pixels(value) for value in range(9)]
    down = [with_pixels(value) for value in reversed(range(9))]
    with ThreadPoolExecutor(2) as pool:
        with on_server.session() as session:  # both get as far as the image in the middle
            session.add(Image(sha256=f"{4:064x}", png=b"", at=NOON))
            session.flush()
            writing = [pool.submit(store.write, entries) for entries in (up, down)]
            wait_for_waiting(on_server, 2)
        for each in writing:
            each.result(FOREVER)
    assert len(ids(store)) == 18


def test_what_another_service_is_deleting_is_not_waited_for(on_server: Database) -> None:
    store = Store(on_server, png, QUOTA)
    old = [entry(1, at(-minute)) for minute in range(1, 4)]
    store.write(old)
    with on_server.session() as session:
        session.execute(select(Request).where(Request.id == old[1].id).with_for_update())
        assert not store.forget(NOON, 10)
        assert ids(store) == [old[1].id]


@pytest.mark.parametrize(
    ("name", "kept"), [("half \ud83d", "half ?"), ("no\0thing", "no?thing"), ("élan", "élan")]
)
def test_a_name_that_no_database_can_hold_is_written_as_far_as_it_can_be(
    store: Store, name: str, kept: str
) -> None:
    one = replace(entry(), answers=(answered(name=name, label=name),))
    store.write([one])
    assert store.listed(EVERYTHING)[0].responses[0].name == kept
    assert store.rate(one.id, 0, name, None)
    assert store.ratings()[0].right == 1


def test_pages_follow_each_other_without_a_gap(store: Store) -> None:
    written = [entry(at=at(minute // 3)) for minute in range(20)]
    store.write(written)
    expected = sorted((each.id for each in written), reverse=True)
    found: list[str] = []
    while page := ids(store, replace(EVERYTHING, limit=6, before=found[-1] if found else "")):
        found += page
        store.write([entry(at=at(60))])  # what comes meanwhile is before the first page
    assert found == expected


@pytest.mark.parametrize(
    ("since", "until", "minutes"),
    [(None, None, [2, 1, 0]), (at(1), None, [2, 1]), (None, at(1), [0]), (at(1), at(2), [1])],
)
def test_times_are_from_and_until_before(
    store: Store, since: datetime | None, until: datetime | None, minutes: list[int]
) -> None:
    store.write([entry(at=at(minute)) for minute in range(3)])
    found = store.listed(replace(EVERYTHING, since=since, until=until))
    assert [each.request.at for each in found] == [at(minute) for minute in minutes]


def test_a_time_is_exact(store: Store) -> None:
    store.write([entry(at=NOON)])
    then = NOON + timedelta(microseconds=1)
    assert not ids(store, replace(EVERYTHING, since=then))
    assert ids(store, replace(EVERYTHING, until=then))


def test_one_sees_ones_own(store: Store, database: Database) -> None:
    anna, bert = add_user(database, "anna"), add_user(database, "bert")
    mine, berts = (entry(1, at(0), user_id=each, request_id="same") for each in (anna, bert))
    nobodys = entry(1, at(1), request_id="same")
    store.write([mine, berts, nobodys])
    assert ids(store, replace(EVERYTHING, user_id=anna)) == [mine.id]
    assert store.find("same", anna) == Found(mine.id, 1)
    assert store.find("same", None) == Found(nobodys.id, 1)


def test_the_latest_request_of_an_id_that_had_images_is_found(store: Store) -> None:
    first, second = (entry(n, at(n), request_id="x") for n in (1, 2))
    store.write([first, second, entry(0, at(3), request_id="x")])
    assert store.find("x", None) == Found(second.id, 2)
    assert store.find("y", None) is None


def test_later_feedback_on_an_image_replaces_earlier(store: Store, database: Database) -> None:
    one = entry(2)
    store.write([one])
    for label in ("class 0", "class 5"):
        assert store.rate(one.id, 0, label, None)
    assert store.rate(one.id, 1, "class 1", None)
    assert count(database, Feedback) == 2
    assert store.listed(EVERYTHING)[0].labels == {0: "class 5", 1: "class 1"}
    assert store.ratings() == [Rating(VERSION, images=2, right=1)]


def test_feedback_on_what_is_gone_is_told_apart(store: Store) -> None:
    assert not store.rate("f" * 32, 0, "class 0", None)


def test_a_rating_is_by_the_likeliest_class_whatever_the_threshold(store: Store) -> None:
    one = replace(entry(), answers=(answered(3, label="other"), answered(4, version="b" * 64)))
    store.write([one])
    store.rate(one.id, 0, "class 3", None)
    store.rate(one.id, 1, "class 3", None)
    assert store.ratings() == [Rating(VERSION, 1, 1), Rating("b" * 64, 1, 0)]


def test_ratings_are_of_the_latest_images_that_were_told_of(
    store: Store, database: Database
) -> None:
    """So that what they cost does not grow with what is kept."""
    first = replace(
        entry(at=at(-1)), answers=tuple(answered(n, version="b" * 64) for n in range(9))
    )
    rest = [entry(100, at(minute)) for minute in range(LATEST // 100)]
    store.write([first])
    store.write(rest)
    with database.session() as session:
        told = [
            {"request_id": each.id, "position": position, "label": "class 7", "at": NOON}
            for each in [first, *rest]
            for position in range(len(each.answers))
        ]
        session.execute(insert(Feedback), told)
    assert store.ratings() == [Rating(VERSION, LATEST, LATEST // 100)]
    with database.session() as session:
        session.execute(delete(Request).where(Request.id == rest[0].id))
    assert store.ratings() == [
        Rating(VERSION, LATEST - 100, LATEST // 100 - 1),
        Rating("b" * 64, 9, 1),
    ]


def test_what_is_old_is_deleted_a_part_at_a_time(store: Store, database: Database) -> None:
    old = [entry(2, at(-minute)) for minute in range(1, 6)]
    kept = entry(1, NOON)
    store.write([*old, kept])
    store.rate(old[0].id, 0, "class 0", None)
    assert [store.forget(NOON, 2) for _ in range(3)] == [True, True, False]
    assert ids(store) == [kept.id]
    assert (count(database, Response), count(database, Feedback)) == (1, 0)


def test_an_image_is_kept_for_as_long_as_a_request_that_had_it(
    store: Store, database: Database
) -> None:
    store.write([with_pixels(1, at(-2)), with_pixels(2, at(-2)), with_pixels(1, at(1))])
    store.write([with_pixels(1, at(-1))])  # of a service that was late
    assert not store.forget(NOON, 10)
    with database.session() as session:
        assert session.scalars(select(Image.sha256)).all() == [f"{1:064x}"]


def test_of_each_user_so_many_images_are_kept_and_every_answer(
    store: Store, database: Database
) -> None:
    anna, bert = add_user(database, "anna"), add_user(database, "bert")

    def write(user_id: int | None, *values: int, when: datetime = NOON) -> int:
        return store.write([with_pixels(value, when, user_id) for value in values])

    assert write(anna, *range(5), *range(3)) == 0
    assert write(anna, *range(QUOTA + 2)) == 2
    assert write(anna, 100) == 1
    assert (count(database, Image), count(database, Response)) == (QUOTA, 5 + 3 + QUOTA + 2 + 1)
    assert write(anna, *range(QUOTA), when=at(1)) == 0  # which are there
    assert write(bert, *range(QUOTA), *range(200, 200 + QUOTA), 100) == 1
    assert write(None, *range(50, 50 + QUOTA), 110) == 1
    assert count(database, Image) == 3 * QUOTA
    assert not store.forget(at(0.5), 100)
    assert count(database, Image) == QUOTA
    assert write(bert, *range(QUOTA), 100, when=at(2)) == 0
    assert write(anna, 101, when=at(2)) == 1


def test_two_services_delete_at_once(two: list[Store]) -> None:
    two[0].write([entry(1, at(-minute)) for minute in range(1, 41)] + [with_pixels(1, at(-1))])
    two[0].write([entry(at=NOON)])

    def forget(store: Store) -> None:
        while store.forget(NOON, 3):
            pass

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(forget, two))
    forget(two[0])  # what the other was at when this one looked
    assert len(ids(two[0])) == 1

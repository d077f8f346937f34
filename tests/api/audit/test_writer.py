"""The thread that writes: nothing twice, nothing lost up to the bound, a count of the rest."""

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.audit.buffer import Buffer
from api.audit.entry import Entry
from api.audit.listing import Criteria
from api.audit.ratings import Rating
from api.audit.settings import AuditSettings
from api.audit.store import Store
from api.audit.trail import Trail
from api.audit.writer import BATCH, Writer
from database.database import Database
from database.errors import DatabaseAway
from images.encode import png
from process.backoff import Backoff
from tests.api.audit.entries import answered, entry
from tests.waiting import until

FOREVER = 60.0
EVERYTHING = Criteria(None, None, None, "", 10_000)
SOON = Backoff(first=0.001, longest=0.01)


class Faulty(Store):
    """A store that fails when it is told to, before or after the commit.

    Attributes:
        away: whether the database is; whoever waits for that to be noticed waits for ``noticed``.
        deaf: how many commits' replies are lost.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, png, 2)
        self.away = False
        self.noticed = threading.Event()
        self.deaf = 0

    def write(self, entries: Sequence[Entry]) -> int:
        if self.away:
            self.noticed.set()
            raise DatabaseAway("the database is away")
        left_out = super().write(entries)
        if self.deaf:
            self.deaf -= 1
            raise DatabaseAway("the reply to the commit was lost")
        return left_out


class Bench:
    """A writer on a real database."""

    def __init__(self, store: Faulty) -> None:
        self.store = store
        self.start()

    def start(self, capacity: int = 1000, batch: int = BATCH, **settings: int) -> None:
        self.buffer = Buffer(capacity, batch)
        self.writer = Writer(
            self.buffer,
            self.store,
            open_alerts(AlertSettings(), "api"),
            AuditSettings(interval=0.01, **settings),
            SOON,
        )

    @property
    def written(self) -> list[str]:
        return sorted(each.request.id for each in self.store.listed(EVERYTHING))


@pytest.fixture
def bench(in_file: Database) -> Iterator[Bench]:
    bench = Bench(Faulty(in_file))
    yield bench
    assert bench.writer.stop(FOREVER)


def put(bench: Bench, count: int, **facts: object) -> list[str]:
    entries = [entry(1, **facts) for _ in range(count)]
    return sorted(each.id for each in entries if bench.buffer.put(each))


def subjects(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [getattr(record, "alert_subject", None) for record in caplog.records]
    return [each for each in found if each]


def test_what_was_put_is_written_at_the_end_at_the_latest(bench: Bench) -> None:
    ids = put(bench, 20)
    bench.writer.start()
    assert bench.writer.stop(FOREVER)
    assert bench.written == ids
    assert (bench.buffer.written, bench.buffer.lost, len(bench.buffer)) == (20, 0, 0)


def test_a_database_that_is_away_loses_nothing_within_the_bound(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.away = True
    bench.writer.start()
    ids = put(bench, 100)
    for _ in range(3):
        bench.store.noticed.clear()
        assert bench.store.noticed.wait(FOREVER)
    bench.store.away = False
    assert bench.buffer.flush(FOREVER)
    assert bench.written == ids
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.alert_subject for record in warnings] == ["the audit trail cannot be written"]  # type: ignore[attr-defined]


def test_nobody_waits_for_a_database_that_is_away(bench: Bench) -> None:
    trail = Trail(bench.buffer, bench.writer, bench.store, AuditSettings())
    bench.store.away = True
    bench.writer.start()
    put(bench, 1)
    for _ in range(2):  # once the second try begins, the first one has been noted
        bench.store.noticed.clear()
        assert bench.store.noticed.wait(FOREVER)
    with ThreadPoolExecutor(1) as pool:
        flushed = pool.submit(trail.flush, FOREVER)
        try:
            assert not flushed.result(FOREVER / 2)
        finally:
            bench.store.away = False
    assert bench.writer.stop(FOREVER)
    assert trail.flush(FOREVER)


def test_beyond_the_bound_the_newest_are_counted_and_reported_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.start(capacity=20)
    bench.store.away = True
    bench.writer.start()
    assert len(ids := put(bench, 15)) == 10
    bench.store.noticed.clear()
    assert bench.store.noticed.wait(FOREVER)
    assert (bench.buffer.lost, len(bench.buffer)) == (5, 10)
    bench.store.away = False
    assert bench.buffer.flush(FOREVER)
    assert bench.written == ids
    assert bench.writer.stop(FOREVER)
    assert subjects(caplog).count("requests are missing from the audit trail") == 1
    assert "Lost since the last report: 5." in caplog.text


def test_a_commit_whose_reply_was_lost_is_there_once(bench: Bench) -> None:
    bench.store.deaf = 3
    bench.writer.start()
    ids = put(bench, 50)
    assert bench.buffer.flush(FOREVER)
    assert bench.store.deaf == 0
    assert bench.written == ids
    assert bench.buffer.written == 50


def test_an_entry_that_the_database_refuses_takes_no_other_with_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ids = put(bench, 3)
    put(bench, 1, user_id=12345)  # who does not exist
    ids += put(bench, 3)
    bench.writer.start()
    assert bench.buffer.flush(FOREVER)
    assert bench.written == sorted(ids)
    assert (bench.buffer.written, bench.buffer.lost) == (6, 1)
    assert "requests are missing from the audit trail" in subjects(caplog)


def test_an_outage_between_two_entries_keeps_the_order(bench: Bench) -> None:
    """As one by one they are written only after a refusal, which must not settle others."""
    ids = put(bench, 1)
    put(bench, 1, user_id=12345)
    ids += put(bench, 2)
    write = bench.store.write
    calls = 0

    def failing(entries: Sequence[Entry]) -> int:
        nonlocal calls
        calls += 1
        if calls in (3, 4):
            raise DatabaseAway("for a moment")
        return write(entries)

    bench.store.write = failing  # type: ignore[method-assign]
    bench.writer.start()
    assert bench.buffer.flush(FOREVER)
    assert bench.written == sorted(ids)
    assert (bench.buffer.written, bench.buffer.lost) == (3, 1)


def test_the_end_does_not_wait_for_a_database_that_stays_away(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.away = True
    put(bench, 7)
    bench.writer.start()
    assert bench.store.noticed.wait(FOREVER)
    bench.writer.stop(0.1)
    assert "requests are missing from the audit trail" in subjects(caplog)
    assert "Lost since the last report: 7." in caplog.text


def test_what_is_old_is_deleted_by_the_way(bench: Bench) -> None:
    bench.start(capacity=10_000, retention_days=30)
    old = datetime.now(UTC) - timedelta(days=30, minutes=1)
    put(bench, BATCH + 1, at=old)
    ids = put(bench, 1, at=old + timedelta(minutes=2))
    bench.store.write([entry(at=old) for _ in range(BATCH + 1)])
    bench.writer.start()
    until(lambda: bench.written == ids)


def test_nothing_is_deleted_without_a_limit(bench: Bench) -> None:
    bench.start(retention_days=0)
    one = entry(1, datetime(1999, 1, 1, tzinfo=UTC))
    bench.store.write([one])
    bench.store.rate(one.id, 0, "class 0", None)
    bench.writer.start()
    until(lambda: bool(bench.writer.ratings))  # which are counted after it
    assert bench.written == [one.id]


def test_what_callers_say_is_counted_by_the_way(bench: Bench) -> None:
    one = replace(entry(), answers=(answered(3),))
    bench.store.write([one])
    bench.store.rate(one.id, 0, "class 3", None)
    bench.writer.start()
    until(lambda: bench.writer.ratings == [Rating("a" * 64, 1, 1)])

"""The buffer: its law, its bound, its order, and its end."""

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from api.audit.buffer import Buffer
from api.audit.entry import Entry
from tests.api.audit.entries import entry

FOREVER = 60.0
CAPACITY, BATCH = 12, 5


class Law(RuleBasedStateMachine):
    """What was offered was written, is lost, or waits, in order and within the bound."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = Buffer(CAPACITY, BATCH)
        self.waiting: deque[Entry] = deque()
        self.offered = self.written = self.lost = 0

    @rule(images=st.integers(0, CAPACITY))
    def put(self, images: int) -> None:
        offered = entry(images)
        room = sum(each.rows for each in self.waiting) + offered.rows <= CAPACITY
        assert self.buffer.put(offered) == room
        self.offered += 1
        self.lost += not room
        self.waiting.extend([offered] * room)

    @rule(written=st.booleans(), part=st.floats(0, 1))
    def settle(self, written: bool, part: float) -> None:
        taken = self.buffer.take(0, 0)
        assert taken is not None
        assert taken == list(self.waiting)[: len(taken)]
        assert bool(taken) == bool(self.waiting)
        assert len(taken) == 1 or sum(each.rows for each in taken) <= BATCH
        count = round(part * len(taken))
        self.buffer.settle(count, written)
        for _ in range(count):
            self.waiting.popleft()
        self.written += count * written
        self.lost += count * (not written)

    @rule()
    def flush(self) -> None:
        assert self.buffer.flush(0) == (not self.waiting)

    @invariant()
    def nothing_is_unaccounted_for(self) -> None:
        counted = (self.buffer.written, self.buffer.lost, len(self.buffer))
        assert counted == (self.written, self.lost, len(self.waiting))
        assert sum(counted) == self.offered
        assert sum(each.rows for each in self.waiting) <= CAPACITY


TestLaw = Law.TestCase


def test_many_threads_and_one_writer_lose_count_of_nothing() -> None:
    buffer = Buffer(50, 10)
    each, callers = 400, 4

    def offer() -> int:
        return sum(buffer.put(entry(1)) for _ in range(each))

    def write() -> list[str]:
        ids: list[str] = []
        while (taken := buffer.take(FOREVER, FOREVER)) is not None:
            ids += [one.id for one in taken]
            buffer.settle(len(taken), written=True)
        return ids

    with ThreadPoolExecutor(callers + 1) as pool:
        writer = pool.submit(write)
        let_in = sum(pool.map(lambda _: offer(), range(callers)))
        buffer.close(FOREVER)
        ids = writer.result(FOREVER)
    assert len(ids) == len(set(ids)) == let_in == buffer.written
    assert buffer.lost == each * callers - let_in


def test_a_batch_does_not_wait_for_more_and_less_does_until_somebody_waits_for_it() -> None:
    buffer = Buffer(100, 3)
    with ThreadPoolExecutor(2) as pool:
        taking = pool.submit(buffer.take, FOREVER, FOREVER)
        for _ in range(3):
            buffer.put(entry())
        assert len(taking.result(FOREVER) or ()) == 3
        buffer.settle(3, written=True)

        buffer.put(entry())
        taking = pool.submit(buffer.take, FOREVER, FOREVER)
        flushing = pool.submit(buffer.flush, FOREVER)
        assert len(taking.result(FOREVER) or ()) == 1
        assert not flushing.done()
        buffer.settle(1, written=False)
        assert flushing.result(FOREVER)


def test_at_the_end_the_rest_is_taken_at_once_and_nothing_more_comes_in() -> None:
    buffer = Buffer(100, 50)
    buffer.put(entry())
    with ThreadPoolExecutor(2) as pool:
        taking = pool.submit(buffer.take, FOREVER, FOREVER)
        buffer.close(FOREVER)
        assert len(taking.result(FOREVER) or ()) == 1
        assert not buffer.put(entry())
        assert buffer.take(FOREVER, FOREVER), "it was not settled"
        buffer.settle(1, written=True)
        assert buffer.take(FOREVER, FOREVER) is None
    assert (buffer.written, buffer.lost) == (1, 1)


def test_when_time_is_up_what_is_left_is_not_tried_again() -> None:
    buffer = Buffer(100, 50)
    buffer.put(entry())
    buffer.close(0)
    assert buffer.take(FOREVER, FOREVER) is None
    assert len(buffer) == 1


def test_the_end_cuts_a_back_off_short_and_the_next_one_ends_with_the_time() -> None:
    buffer = Buffer(100, 50)
    with ThreadPoolExecutor(1) as pool:
        pausing = pool.submit(buffer.pause, FOREVER)
        buffer.close(0.05)
        pausing.result(FOREVER)
    began = time.monotonic()
    buffer.pause(FOREVER)
    assert time.monotonic() - began < FOREVER

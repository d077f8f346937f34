import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.batcher import Batcher
from api.errors import CallerGone, Crowded, Overdue, Stopping
from api.lane import Lane
from tests.waiting import until

FOREVER = 60.0  # seconds; no test waits for as long unless it fails
ROOM = 10_000  # items that may wait


class Gate:
    """A predictor that answers ``-item``, notes its batches, and holds each one up on request."""

    def __init__(self, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self._open = threading.Event()
        if not held:
            self._open.set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.entered.release()
        assert self._open.wait(FOREVER)
        return [-item for item in items]

    def open(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._open.clear()

    def wait_until_entered(self) -> None:
        assert self.entered.acquire(timeout=FOREVER)


@contextmanager
def running(
    predict: Callable[[Sequence[int]], Sequence[int]],
    max_batch: int = 8,
    waiting: int = ROOM,
    quick: float = 0,
) -> Iterator[Batcher[int, int]]:
    batcher = Batcher(predict, max_batch, waiting, quick)
    batcher.start()
    try:
        yield batcher
    finally:
        assert batcher.stop(FOREVER)


@contextmanager
def callers(batcher: Batcher[int, int], items: Sequence[int]) -> Iterator[list["Future[int]"]]:
    """One thread for each item, whose submission is queued in the order of the items."""
    with ThreadPoolExecutor(max(1, len(items))) as pool:
        futures = []
        for item in items:
            before = len(batcher._waiting)
            futures.append(pool.submit(batcher.submit, item, FOREVER))
            until(lambda: len(batcher._waiting) > before)  # noqa: B023 (it is called at once)
        yield futures


def test_a_lone_item_is_predicted_alone_and_at_once() -> None:
    gate = Gate()
    with running(gate) as batcher:
        assert batcher.submit(3, FOREVER) == -3
    assert gate.batches == [[3]]


def test_what_waits_while_the_predictor_is_busy_becomes_one_batch_in_order() -> None:
    gate = Gate(held=True)
    with running(gate) as batcher, ThreadPoolExecutor(1) as pool:
        first = pool.submit(batcher.submit, 0, FOREVER)
        gate.wait_until_entered()
        with callers(batcher, [1, 2, 3]) as rest:
            gate.open()
            assert [future.result() for future in [first, *rest]] == [0, -1, -2, -3]
    assert gate.batches == [[0], [1, 2, 3]]


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 7), st.lists(st.integers(), max_size=20))
def test_batches_never_exceed_the_cap_and_keep_order_and_answers(
    cap: int, items: list[int]
) -> None:
    gate = Gate()
    batcher = Batcher(gate, cap, ROOM)
    with callers(batcher, items) as futures:  # all of them wait before it starts
        batcher.start()
        assert [future.result() for future in futures] == [-item for item in items]
    assert batcher.stop(FOREVER)
    assert [len(batch) for batch in gate.batches] == [
        min(cap, len(items) - start) for start in range(0, len(items), cap)
    ]
    assert [item for batch in gate.batches for item in batch] == items


def test_a_quick_predictor_takes_half_of_what_waits_but_not_of_a_few() -> None:
    gate = Gate(held=True)
    with running(gate, max_batch=8, quick=FOREVER) as batcher, ThreadPoolExecutor(1) as pool:
        first = pool.submit(batcher.submit, 0, FOREVER)
        gate.wait_until_entered()
        with callers(batcher, range(1, 22)) as rest:
            gate.open()
            assert [future.result() for future in [first, *rest]] == [-item for item in range(22)]
    assert [len(batch) for batch in gate.batches] == [1, 8, 6, 4, 3]


def test_every_one_of_many_callers_gets_its_own_answer() -> None:
    gate = Gate()
    with running(gate, max_batch=5) as batcher, ThreadPoolExecutor(16) as pool:
        items = list(range(2000))
        assert list(pool.map(lambda item: batcher.submit(item, FOREVER), items)) == [
            -item for item in items
        ]
    assert max(map(len, gate.batches)) <= 5
    assert sorted(item for batch in gate.batches for item in batch) == items


@given(st.integers(1, 7), st.lists(st.lists(st.integers(), min_size=1, max_size=20), max_size=6))
def test_callers_with_several_items_get_all_of_their_own_answers_in_order(
    cap: int, lists: list[list[int]]
) -> None:
    gate = Gate()
    with running(gate, cap) as batcher, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda items: batcher.submit_all(items, FOREVER), lists))
    assert answers == [[-item for item in items] for items in lists]
    assert all(len(batch) <= cap for batch in gate.batches)
    asked = sorted(item for items in lists for item in items)
    assert sorted(item for batch in gate.batches for item in batch) == asked


def test_one_item_that_cannot_be_predicted_fails_its_caller_with_all() -> None:
    def predict(items: Sequence[int]) -> list[int]:
        if 2 in items:
            raise ValueError("not two")
        return [-item for item in items]

    with running(predict, 2) as batcher:
        with pytest.raises(ValueError, match="not two"):
            batcher.submit_all([1, 2, 3, 4], FOREVER)
        assert batcher.submit_all([5, 6, 7], FOREVER) == [-5, -6, -7]


def test_what_nobody_waits_for_any_more_is_not_predicted() -> None:
    gate = Gate(held=True)
    with running(gate, 1) as batcher:
        with pytest.raises(Overdue):
            batcher.submit_all([1, 2, 3], 0.01)
        gate.wait_until_entered()
        gate.open()
        assert batcher.submit(4, FOREVER) == -4
    assert gate.batches == [[1], [4]]


def test_a_stop_in_the_middle_lets_the_caller_go() -> None:
    gate = Gate(held=True)
    batcher = Batcher(gate, 1, ROOM)
    batcher.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(batcher.submit_all, [1, 2], FOREVER)
        gate.wait_until_entered()
        assert not batcher.stop(0.01)
        gate.open()
        with pytest.raises(Stopping):
            asked.result()
    assert batcher.stop(FOREVER)


def test_an_item_that_cannot_be_predicted_fails_its_own_caller_only() -> None:
    def predict(items: Sequence[int]) -> list[int]:
        if 2 in items:
            raise ValueError("not two")
        return [-item for item in items]

    batcher = Batcher(predict, 8, ROOM)
    with callers(batcher, [1, 2, 3]) as (one, two, three):
        batcher.start()
        assert one.result() == -1
        assert three.result() == -3
        with pytest.raises(ValueError, match="not two"):
            two.result()
    assert batcher.submit(4, FOREVER) == -4
    assert batcher.stop(FOREVER)


def test_a_wrong_number_of_answers_reaches_nobody() -> None:
    two = running(lambda items: [0, 0])
    with two as batcher, pytest.raises(RuntimeError, match="2 answers for 1 image"):
        batcher.submit(1, FOREVER)


def test_the_predictor_may_raise_a_timeout_of_its_own() -> None:
    def predict(items: Sequence[int]) -> list[int]:
        raise TimeoutError("the device")

    with running(predict) as batcher, pytest.raises(TimeoutError, match="the device"):
        batcher.submit(1, FOREVER)


def test_a_caller_leaves_when_the_predictor_is_stuck() -> None:
    gate = Gate(held=True)
    with running(gate) as batcher:
        with pytest.raises(Overdue):
            batcher.submit(1, 0.01)
        gate.wait_until_entered()
        with pytest.raises(Overdue):
            batcher.submit(2, 0.01)
        gate.open()
        assert batcher.submit(3, FOREVER) == -3
    assert all(2 not in batch for batch in gate.batches), "nobody waited for it any more"


def test_stop_answers_what_waits_and_takes_nothing_new() -> None:
    gate = Gate(held=True)
    batcher = Batcher(gate, 2, ROOM)
    with callers(batcher, [1, 2, 3, 4, 5]) as futures, ThreadPoolExecutor(1) as pool:
        batcher.start()
        gate.wait_until_entered()
        stopped = pool.submit(batcher.stop, FOREVER)
        until(lambda: batcher._stopping)
        with pytest.raises(Stopping):
            batcher.submit(6, FOREVER)
        gate.open()
        assert stopped.result()
        assert [future.result() for future in futures] == [-1, -2, -3, -4, -5]


def test_stop_lets_callers_go_when_the_predictor_is_stuck() -> None:
    gate = Gate(held=True)
    batcher = Batcher(gate, 1, ROOM)
    with callers(batcher, [1, 2]) as (one, two):
        batcher.start()
        gate.wait_until_entered()
        assert not batcher.stop(0.01)
        with pytest.raises(Stopping):
            two.result()
        gate.open()
        assert one.result() == -1
        assert batcher.stop(FOREVER)


def test_stop_while_a_caller_calls_the_predictor_ends_with_that_call() -> None:
    gate = Gate()
    batcher = Batcher(gate, 8, ROOM, quick=FOREVER)
    batcher.start()
    assert batcher.submit(0, FOREVER) == 0
    gate.wait_until_entered()
    gate.close()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(batcher.submit, 1, FOREVER)
        gate.wait_until_entered()
        assert not batcher.stop(0.1)
        gate.open()
        assert first.result() == -1
    batcher._thread.join(FOREVER)
    assert not batcher._thread.is_alive()


def test_stop_without_a_start_lets_callers_go() -> None:
    batcher = Batcher(Gate(), 1, ROOM)
    with callers(batcher, [1]) as (one,):
        assert not batcher.stop(FOREVER)
        with pytest.raises(Stopping):
            one.result()


def test_beyond_the_bound_a_submission_is_refused_at_once_and_whole() -> None:
    gate = Gate(held=True)
    with running(gate, 1, waiting=3) as batcher, ThreadPoolExecutor(1) as pool:
        first = pool.submit(batcher.submit, 0, FOREVER)
        gate.wait_until_entered()
        with callers(batcher, [1, 2]) as futures:
            with pytest.raises(Crowded, match="2 images wait"):
                batcher.submit_all([3, 4], FOREVER)
            assert batcher.waiting == 2
            gate.open()
            assert [future.result() for future in [first, *futures]] == [0, -1, -2]
        assert batcher.submit_all([3, 4, 5], FOREVER) == [-3, -4, -5]
    assert gate.batches == [[0], [1], [2], [3], [4], [5]]


def test_what_waited_for_a_caller_that_has_gone_is_not_predicted() -> None:
    gate = Gate(held=True)
    with running(gate) as batcher, ThreadPoolExecutor(2) as pool:
        first = pool.submit(batcher.submit, 0, FOREVER)
        gate.wait_until_entered()
        gone = pool.submit(batcher.submit_all, [1, 2], FOREVER, lambda: True)
        until(lambda: batcher.waiting == 2)
        gate.open()
        with pytest.raises(CallerGone):
            gone.result()
        assert first.result() == 0
    assert gate.batches == [[0]]


def test_callers_that_have_gone_make_room_for_others() -> None:
    gate = Gate(held=True)
    with running(gate, 1, waiting=3) as batcher, ThreadPoolExecutor(3) as pool:
        first = pool.submit(batcher.submit, 0, FOREVER)
        gate.wait_until_entered()
        gone = pool.submit(batcher.submit_all, [1, 2], FOREVER, lambda: True)
        until(lambda: batcher.waiting == 2)
        rest = pool.submit(batcher.submit_all, [3, 4, 5], FOREVER)
        with pytest.raises(CallerGone):
            gone.result(FOREVER)
        gate.open()
        assert (first.result(), rest.result()) == (0, [-3, -4, -5])
    assert gate.batches == [[0], [3], [4], [5]]


class Image:
    """An item of which can be said whether it is still there."""


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_the_image_of_a_caller_that_has_gone_is_freed_at_once() -> None:
    gate, left = Gate(held=True), list[weakref.ref[Image]]()

    def leave(batcher: Batcher[Any, int]) -> None:
        image = Image()
        left.append(weakref.ref(image))
        with suppress(CallerGone):
            batcher.submit(image, FOREVER, lambda: True)

    with running(gate) as batcher, ThreadPoolExecutor(2) as pool:
        first = pool.submit(batcher.submit, 0, FOREVER)
        gate.wait_until_entered()
        gone = pool.submit(leave, batcher)
        until(lambda: batcher.waiting == 1)
        gate.open()
        assert (first.result(), gone.result()) == (0, None)
        assert batcher.submit(1, FOREVER) == -1  # or else its thread holds the latest batch
    assert left[0]() is None


def test_where_nothing_waits_a_caller_is_answered_even_if_it_seems_gone() -> None:
    gate = Gate()
    with running(gate) as batcher:
        assert batcher.submit(1, FOREVER, lambda: True) == -1


class Noting(Gate):
    """A gate that notes the threads that came through."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.threads.append(threading.get_ident())
        return super().__call__(items)


def test_where_the_predictor_is_idle_and_quick_the_caller_calls_it_itself() -> None:
    noting = Noting()
    with running(noting, quick=FOREVER) as batcher:
        assert [batcher.submit(item, FOREVER) for item in (1, 2, 3)] == [-1, -2, -3]
    own = threading.get_ident()
    assert [thread == own for thread in noting.threads] == [False, True, True]  # not known at first


def test_of_several_in_a_lane_the_first_does_not_keep_the_others_waiting() -> None:
    noting, lane, heard = Noting(), Lane(lambda: None), []
    with running(noting, quick=FOREVER) as batcher:
        assert batcher.submit(0, FOREVER) == 0
        for item in (1, 2):
            lane.add(lambda item=item: heard.append(batcher.submit(item, FOREVER)))
        until(lambda: lane.run() or len(heard) == 2)  # type: ignore[func-returns-value]
    calls = zip(noting.threads, noting.batches, strict=True)
    assert threading.get_ident() not in {thread for thread, batch in calls if 1 in batch}


def test_a_slow_predictor_is_never_called_by_a_caller() -> None:
    noting = Noting()
    with running(noting, quick=0) as batcher:
        assert [batcher.submit(item, FOREVER) for item in (1, 2, 3)] == [-1, -2, -3]
    assert threading.get_ident() not in noting.threads


def test_what_comes_while_a_caller_calls_the_predictor_waits_and_becomes_a_batch() -> None:
    gate = Gate()
    with running(gate, quick=FOREVER) as batcher, ThreadPoolExecutor(1) as pool:
        assert batcher.submit(0, FOREVER) == 0
        gate.wait_until_entered()
        gate.close()
        first = pool.submit(batcher.submit, 1, FOREVER)
        gate.wait_until_entered()
        with callers(batcher, [2, 3]) as rest:
            gate.open()
            assert [future.result() for future in [first, *rest]] == [-1, -2, -3]
    assert gate.batches == [[0], [1], [2, 3]]


def test_what_a_caller_finds_wrong_is_its_own_and_the_next_one_is_answered() -> None:
    def predict(items: Sequence[int]) -> list[int]:
        if 2 in items:
            raise ValueError("not two")
        return [-item for item in items]

    with running(predict, quick=FOREVER) as batcher:
        assert batcher.submit(1, FOREVER) == -1
        with pytest.raises(ValueError, match="not two"):
            batcher.submit(2, FOREVER)
        assert batcher.submit(3, FOREVER) == -3

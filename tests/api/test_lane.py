import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar

import pytest
from greenlet import getcurrent
from hypothesis import given
from hypothesis import strategies as st

from api.lane import Lane, alone, wait

FOREVER = 60.0  # seconds; no test waits for as long unless it fails


class Road:
    """A lane, and whether its thread was woken."""

    def __init__(self) -> None:
        self.woken = threading.Semaphore(0)
        self.lane = Lane(self.woken.release)

    def wake(self) -> None:
        assert self.woken.acquire(timeout=FOREVER)


@contextmanager
def elsewhere(work: Callable[[], object]) -> Iterator[None]:
    """``work`` in another thread, which has ended afterwards."""
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(FOREVER)
    assert not thread.is_alive()


def test_while_one_waits_the_next_one_runs_and_both_go_on() -> None:
    road, said = Road(), []
    answers: list[Future[str]] = [Future(), Future()]

    def errand(name: str, answer: "Future[str]") -> None:
        said.append(f"{name} asks")
        assert wait(answer, FOREVER)
        said.append(f"{name} hears {answer.result()}")

    road.lane.add(lambda: errand("a", answers[0]))
    road.lane.add(lambda: errand("b", answers[1]))
    road.lane.run()
    assert said == ["a asks", "b asks"]
    with elsewhere(lambda: answers[1].set_result("two")):
        road.wake()
    road.lane.run()
    answers[0].set_result("one")
    road.lane.run()
    assert said == ["a asks", "b asks", "b hears two", "a hears one"]


@given(st.permutations(range(8)))
def test_in_whatever_order_answers_come_each_errand_gets_its_own(order: list[int]) -> None:
    lane, heard = Lane(lambda: None), {}
    answers: list[Future[int]] = [Future() for _ in order]

    def errand(index: int) -> None:
        assert wait(answers[index], FOREVER)
        heard[index] = answers[index].result()

    for index in range(8):
        lane.add(lambda index=index: errand(index))
    for index in order:
        lane.run()
        answers[index].set_result(10 * index)
    lane.run()
    assert heard == {index: 10 * index for index in range(8)}
    assert list(heard) == order


def test_many_answers_wake_the_thread_once() -> None:
    road, answers = Road(), [Future[None]() for _ in range(5)]
    for answer in answers:
        road.lane.add(lambda answer=answer: wait(answer, FOREVER))
    road.lane.run()
    for answer in answers:
        answer.set_result(None)
    road.wake()
    assert not road.woken.acquire(blocking=False)


def test_what_is_answered_already_does_not_wait() -> None:
    road, said = Road(), []
    answer: Future[None] = Future()
    answer.set_result(None)
    road.lane.add(lambda: said.append(wait(answer, FOREVER)))
    road.lane.run()
    assert said == [True]
    road.lane.run()  # what it was resumed for before it waited finds nobody


def test_what_waits_for_too_long_goes_on_without_an_answer_and_once() -> None:
    road, said = Road(), []
    answer: Future[None] = Future()
    road.lane.add(lambda: said.append(wait(answer, 0.01)))
    road.lane.run()
    road.lane.expire(time.monotonic() - 1)
    road.lane.run()
    assert said == []
    while not said:
        road.lane.expire(time.monotonic())
        road.lane.run()
    assert said == [False]
    answer.set_result(None)
    road.lane.run()
    assert said == [False]


@pytest.mark.parametrize("again", [True, False])  # in the same work, or in the errand's next
def test_an_errand_may_wait_again_although_a_late_answer_resumes_it(again: bool) -> None:
    road, said = Road(), []
    late: Future[None] = Future()
    second: Future[None] = Future()

    def first() -> None:
        said.append(wait(late, 0))
        if again:
            then()

    def then() -> None:
        said.append(wait(second, FOREVER))

    road.lane.add(first)
    road.lane.run()
    if not again:
        road.lane.add(then)
        road.lane.run()
    late.set_result(None)
    road.lane.run()
    assert said == [False]
    second.set_result(None)
    road.lane.run()
    assert said == [False, True]


def test_what_is_added_by_what_runs_waits_for_the_next_run() -> None:
    road, said = Road(), []

    def again() -> None:
        said.append("again")
        if len(said) < 5:
            road.lane.add(again)

    road.lane.add(again)
    road.lane.add(lambda: said.append("other"))
    road.lane.run()
    assert said == ["again", "other"]
    assert not road.lane.empty
    road.lane.run()
    assert said == ["again", "other", "again"]


def test_each_errand_has_context_variables_of_its_own() -> None:
    road, said = Road(), []
    name: ContextVar[str] = ContextVar("name")
    answers: dict[str, Future[None]] = {each: Future() for each in "ab"}

    def errand(each: str) -> None:
        name.set(each)
        wait(answers[each], FOREVER)
        said.append(name.get())

    for each in "ab":
        road.lane.add(lambda each=each: errand(each))
    road.lane.run()
    for each in "ab":
        answers[each].set_result(None)
    road.lane.run()
    assert said == ["a", "b"]


def test_an_error_that_nobody_catches_ends_one_errand_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    road, said = Road(), []
    road.lane.add(lambda: [][0])
    road.lane.add(lambda: said.append("next"))
    with caplog.at_level(logging.ERROR):
        road.lane.run()
    assert said == ["next"]
    assert "IndexError" in caplog.text


def test_elsewhere_the_thread_itself_waits() -> None:
    answer: Future[None] = Future()
    assert not wait(answer, 0.01)
    with elsewhere(lambda: answer.set_result(None)):
        assert wait(answer, FOREVER)


def test_an_errand_is_alone_unless_others_were_added_or_answered() -> None:
    road, said = Road(), []
    answer: Future[None] = Future()

    def errand() -> None:
        said.append(alone())
        wait(answer, FOREVER)

    road.lane.add(errand)
    road.lane.add(lambda: said.append(alone()))
    road.lane.run()
    assert said == [False, True]
    road.lane.add(lambda: (answer.set_result(None), said.append(alone())))
    road.lane.run()
    assert said == [False, True, False]
    assert alone()


def test_work_that_is_done_leaves_nothing_to_the_next() -> None:
    road, said = Road(), []
    name: ContextVar[str] = ContextVar("name", default="nobody")
    request: ContextVar[object] = ContextVar("request")

    class Request:
        def __call__(self) -> None:
            said.append((name.get(), getcurrent()))
            name.set("somebody")
            request.set(self)

    work = Request()
    gone = weakref.ref(work)
    road.lane.add(work)
    road.lane.run()
    del work
    assert gone() is None
    road.lane.add(Request())
    road.lane.run()
    assert said[0][0] == "nobody"
    assert said[1] == said[0]


def test_work_goes_to_errands_that_are_done_and_to_new_ones_while_they_wait() -> None:
    road, who = Road(), []
    answers = [Future[None]() for _ in range(3)]

    def errand(answer: "Future[None]") -> None:
        who.append(getcurrent())
        wait(answer, FOREVER)

    for answer in answers:
        road.lane.add(lambda answer=answer: errand(answer))
    road.lane.run()
    assert len(set(who)) == 3
    answers[1].set_result(None)
    road.lane.run()
    road.lane.add(lambda: errand(answers[1]))
    road.lane.run()
    assert who[3] is who[1]
    for answer in (answers[0], answers[2]):
        answer.set_result(None)
    road.lane.run()


def test_what_the_lane_itself_resumes_does_not_keep_others_from_waking_it() -> None:
    own, woken, said = threading.get_ident(), threading.Semaphore(0), []
    lane = Lane(lambda: woken.release() if threading.get_ident() != own else None)
    late: Future[None] = Future()
    second: Future[None] = Future()

    def errand() -> None:
        said.append(wait(late, 0.01))
        late.cancel()  # which resumes it, although it runs

    lane.add(errand)
    lane.add(lambda: said.append(wait(second, FOREVER)))
    lane.run()
    while not said:
        lane.expire(time.monotonic())
        lane.run()
    with elsewhere(lambda: second.set_result(None)):
        assert woken.acquire(timeout=FOREVER)
    lane.run()
    assert said == [False, True]

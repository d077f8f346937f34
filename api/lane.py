"""Requests that are answered on the server's own thread, and wait for the model in a greenlet.

A thread for each request costs several switches between threads, which under Python's lock are most
of what a small model's answer costs. Here a request runs until it has to wait, its greenlet is put
aside, and the next one runs; when the model has answered, it goes on where it was. What runs like
this must not wait for anything else: one request that reads a file holds up all.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_in_thread
from typing import Any

from greenlet import getcurrent, greenlet

logger = logging.getLogger(__name__)


class Lane:
    """The requests of one thread.

    Any thread may call :meth:`add` and :meth:`resume`; all else belongs to that one.

    Args:
        wake: makes the thread call :meth:`run` soon; may be called from any thread. It may do
            nothing in the lane's own, which is not to sleep before :attr:`empty`.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._begun: deque[Callable[[], None]] = deque()
        self._answered: deque[Errand] = deque()
        self._waiting: dict[Errand, float] = {}
        self._spare: list[Errand] = []
        self._woken = False

    @property
    def empty(self) -> bool:
        """Whether :meth:`run` would do nothing."""
        return not (self._begun or self._answered)

    def add(self, work: Callable[[], None]) -> None:
        """Let the next :meth:`run` begin ``work``."""
        self._begun.append(work)

    def run(self) -> None:
        """Go on with what has been answered, then begin what was added, as far as each gets.

        What is added meanwhile is left to the next run, or a client that has sent a thousand
        requests at once would be answered all of them before anybody else is heard.
        """
        while self._answered:
            self._go_on(self._answered.popleft())
        for _ in range(len(self._begun)):
            errand = self._spare.pop() if self._spare else Errand(self)
            errand.begin(self._begun.popleft())
        # Last, as what runs here may resume others, which wakes nobody.
        self._woken = False

    def expire(self, now: float) -> None:
        """Let the next run go on with what has waited for long enough; ``now`` is monotonic."""
        self._answered.extend(each for each, end in self._waiting.items() if end <= now)

    def keep(self, errand: "Errand") -> None:
        """Let ``errand``, whose work is done, do other work.

        A new greenlet has the kernel map pages for its frames and unmap them in the end, which for
        a small model is a twelfth of all (``docs/decisions/0010-small-models.md``).
        """
        self._spare.append(errand)
        errand.home.switch()

    def close(self) -> None:
        """End the errands that have nothing to do: nothing frees those of a thread that is gone."""
        while self._spare:
            self._spare.pop().switch()

    def put_aside(self, errand: "Errand", end: float) -> None:
        """Run something else in place of ``errand``, until it is resumed or ``end`` is past."""
        self._waiting[errand] = end
        errand.home.switch()

    def resume(self, errand: "Errand") -> None:
        """Let the thread go on with ``errand``; may be called from any thread."""
        self._answered.append(errand)
        if not self._woken:
            self._woken = True
            self._wake()

    def _go_on(self, errand: "Errand") -> None:
        if self._waiting.pop(errand, None) is not None:  # or else its time was up before
            errand.switch()


class Errand(greenlet):
    """Does one piece of work after another, each of which can be put aside.

    The lane's thread goes on at ``home`` meanwhile, and when the work is done.
    """

    def __init__(self, lane: Lane) -> None:
        self.home = getcurrent()
        super().__init__(parent=self.home)
        self.lane = lane
        self._work: Callable[[], None] | None = None

    def begin(self, work: Callable[[], None]) -> None:
        """Do ``work``, with context variables of its own, until it is put aside or done."""
        self._work = work
        self.switch()

    def run(self) -> None:
        """Do the work; what it raises is logged, and ends nothing else."""
        while self._work is not None:
            try:
                self._work()
            except Exception:
                logger.exception("a request ended in an error that nobody has caught")
            self._work = self.gr_context = None  # as they hold its request
            self.lane.keep(self)


def wait(future: "Future[Any]", timeout: float) -> bool:
    """Wait until ``future`` is done, for ``timeout`` seconds at most, and say whether it is.

    In a lane other requests go on meanwhile; elsewhere the thread sleeps.
    """
    current = getcurrent()
    if not isinstance(current, Errand):
        return bool(wait_in_thread([future], timeout).done)
    end = time.monotonic() + timeout
    future.add_done_callback(lambda _: current.lane.resume(current))
    while not future.done() and time.monotonic() < end:
        current.lane.put_aside(current, end)
    return future.done()


def alone() -> bool:
    """Whether what runs here keeps nobody else waiting: its thread has nothing else to do."""
    current = getcurrent()
    return not isinstance(current, Errand) or current.lane.empty

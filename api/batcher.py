"""Adaptive batching: whenever the predictor is free, it takes what waits.

A request that comes alone is predicted alone and at once; under load the batches grow by
themselves. A quick predictor takes half, so that others are served while it is busy. Nothing waits
for a time and nothing is polled: the one thread sleeps on a condition. To pass an item to it and
the answer back takes longer than a small model takes for its answer, so where the predictor is idle
and quick, the caller's own thread calls it.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Generic, TypeVar

from api.errors import CallerGone, Crowded, Overdue, Stopping
from api.lane import alone, wait

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# An item: what was submitted with it, and its place there.
Entry = tuple["Submission[Item, Answer]", int]

QUICK = 0.001  # seconds
FEW = 4  # items of which half would not be worth a call
ENDING = "the service is shutting down"


class Submission(Generic[Item, Answer]):
    """Items that are answered together, or not at all.

    Args:
        items: what to predict.
        gone: whether their caller has gone.

    Attributes:
        items: as given.
        gone: as given.
        answers: to all of them, when they have come.
    """

    def __init__(self, items: Sequence[Item], gone: Callable[[], bool]) -> None:
        self.items = items
        self.gone = gone
        self.answers: Future[list[Answer]] = Future()
        self._given: dict[int, Answer] = {}

    def answer(self, position: int, answer: Answer) -> None:
        """Take the answer to one item."""
        self._given[position] = answer
        if len(self._given) == len(self.items):
            with suppress(InvalidStateError):  # its caller has just given up
                self.answers.set_result([self._given[index] for index in range(len(self.items))])

    def fail(self, error: Exception) -> None:
        """Take what kept one item from being answered."""
        with suppress(InvalidStateError):  # the same, or another item has failed before
            self.answers.set_exception(error)


def _let_go(entries: "Iterable[Entry[Any, Any]]") -> None:
    """End what is submitted for callers that have gone."""
    for submission in {submission for submission, _ in entries}:
        if submission.gone():
            submission.fail(CallerGone("the caller has closed the connection"))


class Batcher(Generic[Item, Answer]):
    """Gathers items from many callers into calls of ``predict`` from one thread.

    Args:
        predict: from the items of a batch to one answer each, in the same order.
        max_batch: the most items in one call.
        max_waiting: the most items that wait; no fewer than one submission has.
        quick: seconds for which a caller's thread, which may be the server's own, can be lent.
    """

    def __init__(
        self,
        predict: Callable[[Sequence[Item]], Sequence[Answer]],
        max_batch: int,
        max_waiting: int,
        quick: float = QUICK,
    ) -> None:
        self._predict = predict
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._quick = quick
        self._waiting: deque[Entry[Item, Answer]] = deque()
        self._busy = False  # some thread calls the predictor
        self._lone = math.inf  # seconds that the latest call with one item took
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="batcher", daemon=True)

    @property
    def waiting(self) -> int:
        """How many items wait for the predictor; takes no lock."""
        return len(self._waiting)

    def start(self) -> None:
        """Start answering; what was submitted before has waited. Call it once, after any fork."""
        self._thread.start()

    def submit(self, item: Item, timeout: float, gone: Callable[[], bool] = bool) -> Answer:
        """Wait for the answer to one item; arguments and errors are those of :meth:`submit_all`."""
        return self.submit_all([item], timeout, gone)[0]

    def submit_all(
        self, items: Sequence[Item], timeout: float, gone: Callable[[], bool] = bool
    ) -> list[Answer]:
        """Wait for one answer to each of ``items``, in their order.

        Each waits in line by itself: few share a call of ``predict`` with those of other callers,
        and more than a batch holds become several calls.

        Args:
            items: what to predict, one or more.
            timeout: seconds after which the caller would rather have no answer.
            gone: whether the caller has gone; asked of what had to wait for other items.

        Raises:
            Crowded: too many items wait already.
            Overdue: the predictor did not answer all of them in time.
            CallerGone: the caller went before the predictor was free.
            Stopping: the batcher takes no more items.
            Exception: what ``predict`` raised when it was called with one of them alone.
        """
        submission: Submission[Item, Answer] = Submission(items, gone)
        if len(items) == 1 and alone() and self._begin_here():
            self._answer_here(submission)
            return submission.answers.result()
        self._enqueue(submission)
        if not wait(submission.answers, timeout) and submission.answers.cancel():
            raise Overdue(f"the model gave no answer within {timeout:g} s")
        try:
            return submission.answers.result()
        finally:
            del submission  # which has the error, whose traceback has it: nothing would free them

    def stop(self, timeout: float) -> bool:
        """Answer what waits, within ``timeout`` seconds, and end.

        Returns:
            Whether everything was answered; callers that were not get :class:`Stopping`.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:  # it was started
            self._thread.join(timeout)
        with self._changed:
            left = {submission for submission, _ in self._waiting}
            self._waiting.clear()
        for submission in left:
            submission.fail(Stopping(ENDING))
        return not left and not self._thread.is_alive()

    def _begin_here(self) -> bool:
        """Whether the caller's thread has the predictor to itself now, and for a moment only."""
        with self._changed:
            here = not (self._busy or self._waiting or self._stopping) and self._lone <= self._quick
            self._busy |= here
            return here

    def _answer_here(self, submission: Submission[Item, Answer]) -> None:
        try:
            self._settle([(submission, 0)])
        finally:
            with self._changed:
                self._busy = False
                if self._waiting or self._stopping:
                    self._changed.notify()

    def _enqueue(self, submission: Submission[Item, Answer]) -> None:
        with self._changed:
            if self._stopping:
                raise Stopping(ENDING)
            if not self._room_for(submission):
                _let_go(self._waiting)
                left = [entry for entry in self._waiting if not entry[0].answers.done()]
                self._waiting = deque(left)
            if not self._room_for(submission):
                raise Crowded(f"{len(self._waiting)} images wait for the model already")
            self._waiting.extend((submission, index) for index in range(len(submission.items)))
            self._changed.notify()

    def _room_for(self, submission: Submission[Item, Answer]) -> bool:
        return len(self._waiting) + len(submission.items) <= self._max_waiting

    def _run(self) -> None:
        while taken := self._take():
            # A caller that has given up has cancelled, and an item that failed has failed all.
            batch = [entry for entry in taken if not entry[0].answers.done()]
            if batch:
                self._settle(batch)

    def _take(self) -> "list[Entry[Item, Answer]]":
        """Wait for items and take all, up to the cap; none at all once stopped and drained."""
        with self._changed:
            self._busy = False
            at_once = not self._waiting
            self._changed.wait_for(lambda: (self._waiting or self._stopping) and not self._busy)
            self._busy = True
            taken = [self._waiting.popleft() for _ in range(self._size())]
        if not at_once:
            _let_go(taken)
        return taken

    def _size(self) -> int:
        """How many of those that wait to take: of a quick predictor half, but not of a few.

        If it took all, nobody would be left whose request could be received, or whose answer could
        be sent, while it is busy; beside a slow one that takes no time that matters.
        """
        waiting = len(self._waiting)
        if self._lone <= self._quick:
            waiting = min(waiting, max(FEW, waiting // 2))
        return min(waiting, self._max_batch)

    def _settle(self, batch: "Sequence[Entry[Item, Answer]]") -> None:
        try:
            answers = self._checked([submission.items[index] for submission, index in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0][0].fail(error)
                return
            logger.warning("a batch of %d failed (%r): one by one, then", len(batch), error)
            for entry in batch:
                self._settle([entry])
        else:
            for (submission, index), answer in zip(batch, answers, strict=True):
                submission.answer(index, answer)

    def _checked(self, items: Sequence[Item]) -> Sequence[Answer]:
        begun = time.perf_counter()
        answers = self._predict(items)
        if len(items) == 1:
            self._lone = time.perf_counter() - begun
        if len(answers) != len(items):
            raise RuntimeError(f"the model gave {len(answers)} answers for {len(items)} images")
        return answers

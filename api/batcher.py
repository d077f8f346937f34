"""Adaptive batching: whenever the predictor is free, it takes everything that waits.

A request that comes alone is predicted alone and at once; under load the batches grow by
themselves. Nothing is timed and nothing is polled: the one thread sleeps on a condition.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, wait
from typing import Generic, TypeVar

from api.errors import Overdue, Stopping

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Gathers single items from many threads into calls of ``predict`` from one thread.

    Args:
        predict: from the items of a batch to one answer each, in the same order.
        max_batch: the most items in one call.
    """

    def __init__(
        self, predict: Callable[[Sequence[Item]], Sequence[Answer]], max_batch: int
    ) -> None:
        self._predict = predict
        self._max_batch = max_batch
        self._waiting: deque[tuple[Item, Future[Answer]]] = deque()
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

    def submit(self, item: Item, timeout: float) -> Answer:
        """Wait for the answer to one item; arguments and errors are those of :meth:`submit_all`."""
        return self.submit_all([item], timeout)[0]

    def submit_all(self, items: Sequence[Item], timeout: float) -> list[Answer]:
        """Wait for one answer to each of ``items``, in their order.

        Each waits in line by itself: few share a call of ``predict`` with those of other callers,
        and more than a batch holds become several calls.

        Args:
            items: what to predict.
            timeout: seconds after which the caller would rather have no answer.

        Raises:
            Overdue: the predictor did not answer all of them in time.
            Stopping: the batcher takes no more items.
            Exception: what ``predict`` raised when it was called with one of them alone.
        """
        futures = self._enqueue(items)
        late = wait(futures, timeout, FIRST_EXCEPTION).not_done
        # Some may have come just now; nobody waits for the rest.
        overdue = {future for future in late if future.cancel() or not future.done()}
        try:
            answers = [future.result() for future in futures if future not in overdue]
        except CancelledError:
            raise Stopping("the service is shutting down") from None
        if overdue:
            raise Overdue(f"the model gave no answer within {timeout:g} s")
        return answers

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
            left = [future for _, future in self._waiting]
            self._waiting.clear()
        for future in left:
            future.cancel()
            future.set_running_or_notify_cancel()  # to cancel it alone wakes nobody
        return not left and not self._thread.is_alive()

    def _enqueue(self, items: Sequence[Item]) -> "list[Future[Answer]]":
        futures: list[Future[Answer]] = [Future() for _ in items]
        with self._changed:
            if self._stopping:
                raise Stopping("the service is shutting down")
            self._waiting.extend(zip(items, futures, strict=True))
            self._changed.notify()
        return futures

    def _run(self) -> None:
        while taken := self._take():
            # A caller that has given up has cancelled its future.
            batch = [entry for entry in taken if entry[1].set_running_or_notify_cancel()]
            if batch:
                self._settle(batch)

    def _take(self) -> list[tuple[Item, "Future[Answer]"]]:
        """Wait for items and take all, up to the cap; none at all once stopped and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            size = min(len(self._waiting), self._max_batch)
            return [self._waiting.popleft() for _ in range(size)]

    def _settle(self, batch: Sequence[tuple[Item, "Future[Answer]"]]) -> None:
        try:
            answers = self._checked([item for item, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            logger.warning("a batch of %d failed (%r): one by one, then", len(batch), error)
            for entry in batch:
                self._settle([entry])
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)

    def _checked(self, items: Sequence[Item]) -> Sequence[Answer]:
        answers = self._predict(items)
        if len(answers) != len(items):
            raise RuntimeError(f"the model gave {len(answers)} answers for {len(items)} images")
        return answers

"""Parts of the service that say how long a request was in them."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from api.batcher import Batcher
from api.decoding import Decoder, Upload
from api.errors import Refusal
from api.tracing.tracing import Tracing
from images import Images

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Call(NamedTuple):
    """A call of the model.

    Attributes:
        began: when, in nanoseconds since 1970.
        ended: likewise.
        images: how many it was of, those of other requests included.
    """

    began: int
    ended: int
    images: int


class TracedDecoder(Decoder):
    """A decoder with a span for the files of a request.

    Args:
        tracing: what makes it.
    """

    def __init__(self, tracing: Tracing) -> None:
        super().__init__()
        self._tracing = tracing

    def decode(self, uploads: Sequence[Upload], timeout: float) -> Images:
        """As a decoder does."""
        began = time.time_ns()
        try:
            return super().decode(uploads, timeout)
        finally:
            facts = {"classifier.images": len(uploads)}
            self._tracing.record("decode", began, time.time_ns(), facts)


class TracedBatcher(Batcher[Item, Any]):
    """A batcher with spans for the time in line and for each call of the model.

    Args:
        tracing: what makes them.
        predict: as a batcher has it.
        max_batch: likewise.
        max_waiting: likewise.
    """

    def __init__(
        self,
        tracing: Tracing,
        predict: Callable[[Sequence[Item]], Sequence[Answer]],
        max_batch: int,
        max_waiting: int,
    ) -> None:
        super().__init__(_timed(predict), max_batch, max_waiting)
        self._tracing = tracing

    def submit_all(
        self, items: Sequence[Item], timeout: float, gone: Callable[[], bool] = bool
    ) -> list[Any]:
        """As a batcher does."""
        asked = time.time_ns()
        facts = {"classifier.images": len(items)}
        try:
            timed = super().submit_all(items, timeout, gone)
        except Refusal:
            self._tracing.record("queue", asked, time.time_ns(), facts)
            raise
        calls = dict.fromkeys(call for _, call in timed)  # each once, in order
        self._tracing.record("queue", asked, min(call.began for call in calls), facts)
        for call in calls:
            facts = {"classifier.batch": call.images}
            self._tracing.record("predict", call.began, call.ended, facts)
        return [answer for answer, _ in timed]


def _timed(
    predict: Callable[[Sequence[Item]], Sequence[Answer]],
) -> Callable[[Sequence[Item]], list[tuple[Answer, Call]]]:
    """``predict``, with the call beside each answer."""

    def timed(items: Sequence[Item]) -> list[tuple[Answer, Call]]:
        began = time.time_ns()
        answers = predict(items)
        call = Call(began, time.time_ns(), len(items))
        return [(answer, call) for answer in answers]

    return timed

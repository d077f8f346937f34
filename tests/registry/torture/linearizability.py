"""Whether a history of concurrent calls is one that a single, atomic registry could have had.

Each call must seem to take effect at one moment between its beginning and its end (Herlihy and
Wing, 1990). The search is that of Wing and Gong (Testing and Verifying Concurrent Objects, Journal
of Parallel and Distributed Computing 17, 1993): of the calls that no other one has to precede, try
each as the next. It remembers where it has been in vain, which makes it fast enough (Lowe, Testing
for Linearizability, Concurrency and Computation: Practice and Experience 29(4), 2017).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.registry.torture.model import Answer, Call, Model


@dataclass(frozen=True)
class Event:
    """A call, its answer, and when both were.

    Attributes:
        client: whose call it was.
        began: the number of the moment before it.
        ended: the number of the moment after it. A call whose outcome is unknown has not ended:
            it may take effect at any later time, or never.
        operations: every id under which it tried to change something.
    """

    client: str
    call: Call
    answer: Answer
    began: int
    ended: float
    operations: tuple[str, ...] = ()


def linearizable(events: Sequence[Event], start: Model) -> bool:
    """Whether there is an order of the events in which the model answers as the registry did."""
    dead_ends: set[tuple[frozenset[int], Model]] = set()

    def search(left: frozenset[int], model: Model) -> bool:
        if all(math.isinf(events[each].ended) for each in left):
            return True
        if (left, model) in dead_ends:
            return False
        dead_ends.add((left, model))
        return any(search(left - {number}, after) for number, after in first(left, model))

    def first(left: frozenset[int], model: Model) -> Iterator[tuple[int, Model]]:
        horizon = min(events[each].ended for each in left)
        for number in sorted(left):
            event = events[number]
            if event.began < horizon:
                for after in model.answering(event.call, event.answer):
                    yield number, after

    return search(frozenset(range(len(events))), start)

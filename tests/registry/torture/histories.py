"""Histories of clients that use one registry at the same time, with and without lost answers."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from registry.backend import Backend
from registry.errors import Unreachable
from tests.registry.samples import Sample
from tests.registry.torture.clients import Client, Violation, check_reports, prepared
from tests.registry.torture.linearizability import Event, linearizable
from tests.registry.torture.model import Call, What
from tests.registry.watched import Watched, When

WEIGHTS: dict[What, int] = {"look": 6, "history": 2, "publish": 3, "promote": 8, "rollback": 4}
LONGEST_PAUSE = 0.0002  # seconds; enough for another thread to come in between two steps


class Unsteady:
    """A hook of :class:`~tests.registry.watched.Watched` that dawdles, and at times loses a call.

    Args:
        chance: of each operation, that it or its answer is lost; after a loss the next one is
            even, as losses come in bursts.
        draw: what decides.
    """

    def __init__(self, chance: float, draw: random.Random) -> None:
        self._chance = chance / 2  # it is asked before and after
        self._draw = draw
        self._lost = False
        self.losses = 0

    def __call__(self, when: When, operation: str) -> None:
        time.sleep(self._draw.uniform(0, LONGEST_PAUSE))
        self._lost = self._draw.random() < (0.5 if self._lost else self._chance)
        if self._lost:
            self.losses += 1
            raise Unreachable(f"{operation} was lost {when} it was done")


class Race:
    """Some clients of one registry, whose calls overlap.

    Args:
        backends: one for each client by its name, all of the same registry.
        samples: models to use.
        seed: for everything that is drawn.
        chance: of each operation of a back end, that it or its answer is lost.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        samples: Sequence[Sample],
        seed: int,
        chance: float = 0,
    ) -> None:
        self._samples = samples
        self._seed = seed
        self._hooks = [Unsteady(chance, random.Random(f"{seed} {name}")) for name in backends]
        tick = itertools.count().__next__
        self._clients = [
            Client(name, Watched(backend, hook), samples, tick)
            for (name, backend), hook in zip(backends.items(), self._hooks, strict=True)
        ]
        first = next(iter(backends.values()))
        self._plain = Client("judge", first, samples, tick).registry
        self._start = prepared(self._plain, samples)

    @property
    def losses(self) -> int:
        """How many operations or their answers were lost."""
        return sum(hook.losses for hook in self._hooks)

    def run(self, calls: int, settle: Callable[[], object] = lambda: None) -> list[Event]:
        """Let each client make so many calls, call ``settle``, and check the history.

        Raises:
            Violation: it is not linearizable, or something was reported wrongly.
        """
        barrier = threading.Barrier(len(self._clients))

        def drive(client: Client) -> list[Event]:
            draw = random.Random(f"{self._seed} {client.name}")
            barrier.wait()
            return [client.perform(self._call(draw, client)) for _ in range(calls)]

        with ThreadPoolExecutor(len(self._clients)) as pool:
            events = [event for each in pool.map(drive, self._clients) for event in each]
        settle()
        check_reports(events, self._plain)
        if not linearizable(events, self._start):
            raise Violation(f"not linearizable, seed {self._seed}: {events}")
        return events

    def _call(self, draw: random.Random, client: Client) -> Call:
        [what] = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))
        version = draw.choice(self._samples).version
        if what == "promote":
            return Call(what, version, client.against)
        names_it = what == "publish" or (what == "rollback" and draw.random() < 0.3)
        return Call(what, version if names_it else "")

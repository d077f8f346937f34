"""The kinds of torture, each as rounds of a second or some that count what they have done."""

import random
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import hypothesis
from hypothesis import Phase
from hypothesis.stateful import run_state_machine_as_test

from registry.backend import Backend
from registry.local import LocalBackend
from registry.memory import MemoryBackend
from tests.gcs.gcs_process import GCSServer
from tests.registry.torture import on_gcs, power_cuts
from tests.registry.torture.disk_trace import Trace, samples
from tests.registry.torture.figures import Figures
from tests.registry.torture.histories import Race
from tests.registry.torture.lost_replies import let_one_of_two_be_unlucky, strike_each_write
from tests.registry.torture.machine import machine

Round = Callable[[int], None]

STATES = 128  # of one moment; of more, so many are drawn
FIRST_CHANGES = ("promote:0", "promote:1")
CHANGES = ("promote:0", "promote:2", "publish:2", "publish:0", "rollback:0", "rollback:1")


class Torture:
    """Everything that rounds need.

    Args:
        folder: an empty one.
        server: for buckets; its address must be in the environment.
        figures: what is counted in.
    """

    def __init__(self, folder: Path, server: GCSServer, figures: Figures) -> None:
        self._folder = folder
        self._server = server
        self._bucket = server.make_bucket()
        self._figures = figures
        self._models = samples(folder)
        self._survived: set[tuple[str, frozenset[str]]] = set()

    @property
    def rounds(self) -> Mapping[str, Round]:
        """Each kind of round by its name; it takes a seed and may raise AssertionError."""
        return {
            "power cuts": self.cut_power,
            "kills and then power cuts": self.kill_and_cut_power,
            "races in memory": self.race_in_memory,
            "races in a folder": self.race_in_a_folder,
            "races in a bucket": self.race_in_a_bucket,
            "sequences in memory": lambda seed: self.compare(self.in_memory, 40, seed),
            "sequences in a folder": lambda seed: self.compare(self.in_a_folder, 20, seed),
            "sequences in a bucket": lambda seed: self.compare(self.in_a_bucket, 5, seed),
            "lost replies": self.lose_replies,
            "lost replies in a race": self.lose_replies_in_a_race,
        }

    # --- power cuts ---

    def cut_power(self, seed: int, count: int = 100) -> None:
        """Cut the power at moments of a registry's life that were not seen yet."""
        draw = random.Random(seed)
        life = ",".join([*FIRST_CHANGES, *draw.choices(CHANGES, k=2)])
        [trace] = power_cuts.record(self._new_folder(), life)
        self._survive(trace, draw, count)

    def kill_and_cut_power(self, seed: int, count: int = 40) -> None:
        """Kill a first actor, let a second one act, and cut the power at some moments of it."""
        draw = random.Random(seed)
        first, second = FIRST_CHANGES[0], draw.choice(CHANGES[:3])
        [whole] = power_cuts.record(self._new_folder(), first)
        death = draw.randint(1, len(whole.steps))
        [trace] = power_cuts.record(self._new_folder(), first, second, [death])
        self._figures.faults += 1
        self._survive(trace, draw, count)

    def _survive(self, trace: Trace, draw: random.Random, count: int) -> None:
        cuts = [
            cut
            for cut in power_cuts.power_cuts(trace, draw, STATES)
            if (cut.key, cut.told) not in self._survived
        ]
        for cut in draw.sample(cuts, min(count, len(cuts))):
            folder = self._new_folder()
            power_cuts.check(cut, trace, folder, self._models)
            shutil.rmtree(folder)
            self._survived.add((cut.key, cut.told))
            self._figures.states.add(cut.key)

    # --- races ---

    def race_in_memory(self, seed: int) -> None:
        """Let clients race in memory, some of whose operations are lost."""
        for number in range(5):
            backend = MemoryBackend()
            self._race(dict.fromkeys(_names(4), backend), seed + number)

    def race_in_a_folder(self, seed: int) -> None:
        """Let clients race in a folder, some of whose operations are lost."""
        for number in range(3):
            folder = self._new_folder()
            self._race({name: LocalBackend(folder) for name in _names(4)}, seed + number)

    def race_in_a_bucket(self, seed: int) -> None:
        """Let clients race in a bucket, of whose requests some fail in various ways."""
        draw, prefix = random.Random(seed), uuid.uuid4().hex
        names = [f"{prefix[:8]}-{number}" for number in range(3)]
        server, bucket = self._server, self._bucket
        backends = {name: on_gcs.backend_of(server, bucket, prefix, name) for name in names}
        race = Race(backends, self._models, seed)
        ordered = sum(on_gcs.order_faults(server, name, 3, draw) for name in names)
        left: list[int] = []
        events = race.run(6, settle=lambda: left.append(server.behave()))
        self._figures.histories += 1
        self._figures.add(events, ordered - sum(left))

    def _race(self, backends: Mapping[str, Backend], seed: int) -> None:
        race = Race(backends, self._models, seed, chance=0.02 if seed % 3 else 0)
        events = race.run(8)
        self._figures.histories += 1
        self._figures.add(events, race.losses)

    # --- sequences ---

    def compare(
        self,
        open_registry: Callable[[], Callable[[], Backend]],
        examples: int,
        seed: int,
        phases: Sequence[Phase] = (Phase.generate, Phase.shrink),
    ) -> None:
        """Compare random sequences of calls with the model."""
        kind = hypothesis.seed(seed)(machine(open_registry, self._models))
        run_state_machine_as_test(
            kind,
            settings=hypothesis.settings(
                max_examples=examples,
                stateful_step_count=25,
                phases=phases,
                deadline=None,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )
        self._figures.sequences += len(kind.finished)
        for events in kind.finished:
            self._figures.add(events)
        self._figures.faults += kind.struck

    def in_memory(self) -> Callable[[], Backend]:
        """An empty registry in memory."""
        backend = MemoryBackend()
        return lambda: backend

    def in_a_folder(self) -> Callable[[], Backend]:
        """An empty registry in a folder."""
        folder = self._new_folder()
        return lambda: LocalBackend(folder)

    def in_a_bucket(self) -> Callable[[], Backend]:
        """An empty registry in a bucket."""
        prefix = uuid.uuid4().hex
        return lambda: on_gcs.backend_of(self._server, self._bucket, prefix, "client")

    # --- lost replies ---

    def lose_replies(self, seed: int) -> None:
        """Let each write of each change be struck; nothing in it is drawn."""
        bucket = self._server.make_bucket()
        events = strike_each_write(self._server, bucket, self._new_folder())
        self._figures.add(events, len(events))

    def lose_replies_in_a_race(self, seed: int) -> None:
        """Let one of two clients be unlucky."""
        events = let_one_of_two_be_unlucky(self._server, self._bucket, self._models, seed)
        self._figures.histories += 6
        self._figures.add(events)

    def _new_folder(self) -> Path:
        folder = self._folder / uuid.uuid4().hex
        folder.mkdir()
        return folder


def _names(count: int) -> Iterator[str]:
    return (f"client {number}" for number in range(count))

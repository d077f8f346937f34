"""Faults on the way to a bucket and back: each kind of them, at each write of each change."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.gcs.gcs_process import GCSServer
from tests.registry.samples import Sample, sample
from tests.registry.torture import on_gcs
from tests.registry.torture.clients import Client, Violation, check_reports, prepared
from tests.registry.torture.histories import Race
from tests.registry.torture.linearizability import Event
from tests.registry.torture.model import Call, What

CHANGES: Sequence[What] = ("publish", "promote", "rollback")
MOST_WRITES = 8  # of one change


class Unlucky:
    """A client each of whose changes meets one fault.

    Args:
        server: where the bucket is.
        bucket: the bucket, in which the client has a registry of its own.
        kind: of the faults, as ``503``.
        when: ``before`` the write is done, or ``after``.
        what: the changes.
        folder: for models.
    """

    def __init__(
        self, server: GCSServer, bucket: str, kind: str, when: str, what: What, folder: Path
    ) -> None:
        self._server = server
        self._fault = {"kind": kind, "when": when}
        self._what = what
        self._name = f"{kind}-{when}-{what}"
        backend = on_gcs.backend_of(server, bucket, self._name, self._name)
        old = [sample(folder, seed) for seed in range(2)]
        self._new = [sample(folder, seed) for seed in range(2, 2 + MOST_WRITES)]
        self._client = Client(self._name, backend, [*old, *self._new], itertools.count().__next__)
        self._registry = self._client.registry
        self._model = prepared(self._registry, old)
        for number in range(8):
            self._perform(Call("promote", old[number % 2].version, self._client.against))

    def run(self) -> list[Event]:
        """Make the change until it has no write that was not struck, and say what was struck.

        Raises:
            Violation: the fault was not overcome, or something was reported wrongly.
        """
        events: list[Event] = []
        for number, new in enumerate(self._new):
            self._server.fail(who=self._name, skip=number, **self._fault)
            event = self._perform(self._call(new.version))
            if self._server.behave(self._name):
                check_reports(events, self._registry)
                return events
            events.append(event)
        raise Violation(f"{self._name} never ended")

    def _call(self, new: str) -> Call:
        if self._what == "promote":
            return Call("promote", self._model.testing[0].version, self._client.against)
        return Call(self._what, new if self._what == "publish" else "")

    def _perform(self, call: Call) -> Event:
        event = self._client.perform(call)
        after = self._model.answering(call, event.answer)
        if event.answer.kind != "done" or not after:
            raise Violation(f"one fault was too many: {event}")
        [self._model] = after
        return event


def strike_each_write(server: GCSServer, bucket: str, folder: Path) -> list[Event]:
    """Let every kind of fault strike every write of every change, before and after it is done.

    Raises:
        Violation: one of them was not overcome, or something was reported wrongly.
    """
    cases = list(itertools.product(on_gcs.KINDS, on_gcs.WHENS, CHANGES))
    clients = [Unlucky(server, bucket, *case, folder) for case in cases]
    with ThreadPoolExecutor(len(clients)) as pool:
        return [event for events in pool.map(Unlucky.run, clients) for event in events]


def let_one_of_two_be_unlucky(
    server: GCSServer, bucket: str, samples: Sequence[Sample], seed: int
) -> list[Event]:
    """Let two clients race, of whose changes those of one meet faults, each kind in a race.

    Raises:
        Violation: the history is not linearizable, or something was reported wrongly.
    """

    def race(kind: str, when: str) -> Callable[[], list[Event]]:
        names = [f"{kind}-{when}-{seed}-{luck}" for luck in ("lucky", "unlucky")]
        backends = {name: on_gcs.backend_of(server, bucket, names[0], name) for name in names}
        prepared_race = Race(backends, samples, seed)
        server.fail(operation="objects.rewrite", kind=kind, when=when, who=names[1], times=4)
        return lambda: prepared_race.run(5, settle=lambda: server.behave(names[1]))

    races = list(itertools.starmap(race, itertools.product(on_gcs.KINDS, on_gcs.WHENS)))
    with ThreadPoolExecutor(len(races)) as pool:
        return [event for events in pool.map(lambda run: run(), races) for event in events]

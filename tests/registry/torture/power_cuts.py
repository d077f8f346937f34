"""A registry in a folder after a power cut: every state that the disk may be in is put there."""

import functools
import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from registry.errors import RegistryError
from registry.local import LocalBackend
from registry.record import Stage
from registry.store import Registry
from tests.registry.samples import Sample
from tests.registry.torture.clients import Violation
from tests.registry.torture.disk_states import Disk, State, foreseen
from tests.registry.torture.disk_trace import REGISTRY, Trace

ROOT = Path(__file__).parents[3]

# Two models one after the other, one of them back, and a third one on its way.
LIFE = "promote:0,promote:1,rollback:0,publish:2"


@dataclass(frozen=True)
class PowerCut:
    """What a power cut has left.

    Attributes:
        state: of the folder.
        told: the operations that had been reported as done.
        step: how many steps had been taken.
    """

    state: State
    told: frozenset[str]
    step: int

    @functools.cached_property
    def key(self) -> str:
        """What makes the state different from others."""
        return hashlib.sha256(repr(sorted(self.state.items())).encode()).hexdigest()


def record(folder: Path, first: str, second: str = "", deaths: Sequence[int] = (0,)) -> list[Trace]:
    """What two actors do to a folder, the first of which dies at a step; one trace for each."""
    program = [sys.executable, "-m", "tests.registry.torture.disk_trace", str(folder)]
    subprocess.run([*program, first, second, *map(str, deaths)], cwd=ROOT, check=True)
    return [Trace.load(folder / f"{death}.trace") for death in deaths]


def power_cuts(trace: Trace, draw: random.Random, limit: int) -> Iterator[PowerCut]:
    """What power cuts before each step, and after the last one, may leave; each thing once.

    At each step all of it, or if that is more, ``limit`` states.
    """
    disk, told = Disk(), frozenset[str]()
    seen: set[tuple[str, frozenset[str]]] = set()
    for number, step in enumerate([*foreseen(trace.steps), None]):
        for state in disk.states(draw, limit):
            cut = PowerCut(state, told, number)
            if (cut.key, told) not in seen:
                seen.add((cut.key, told))
                yield cut
        if step and step.what == "done":
            told |= {step.path}
        elif step:
            disk.take(step)


def materialise(state: State, folder: Path) -> None:
    """Put a state into an empty folder."""
    for name, what in state.items():
        path = folder / name
        if what is None:
            path.mkdir()
        elif isinstance(what, bytes):
            path.write_bytes(what)
        else:
            path.symlink_to(what)


def check(cut: PowerCut, trace: Trace, folder: Path, models: Sequence[Sample]) -> None:
    """Check the registry after a power cut, in an empty folder that it may be put into.

    Raises:
        Violation: what was told is lost; something else is there than what was done; it is not
            whole; or the next change does not work.
    """
    materialise(cut.state, folder)
    registry = Registry(LocalBackend(folder / REGISTRY), "survivor@host")
    try:
        _check_stages(cut, trace, registry, folder / REGISTRY)
        _go_on(registry, folder / REGISTRY, models)
    except (RegistryError, Violation) as error:
        raise Violation(f"after a power cut before step {cut.step}: {error}") from error


def _check_stages(cut: PowerCut, trace: Trace, registry: Registry, folder: Path) -> None:
    for stage in get_args(Stage):
        done: list[str] = getattr(trace, stage)
        there = [record.operation for record in registry.history(stage)[::-1]]
        if there != done[: len(there)]:
            raise Violation(f"{stage} went through {there}, but should through {done}")
        if lost := (cut.told & set(done)) - set(there):
            raise Violation(f"{stage} has lost {lost}, of which somebody was told")
        _held(registry, folder, stage)


def _held(registry: Registry, folder: Path, stage: Stage) -> str:
    """The version that a stage holds, after a check that its file is whole."""
    state, path = registry.current(stage), folder / stage / "best_model.hdf5"
    if state is None:
        if path.exists() or registry.history(stage):
            raise Violation(f"{stage} should not be empty")
        return ""
    if hashlib.sha256(path.read_bytes()).hexdigest() != state.record.version:
        raise Violation(f"{path} is not whole")
    if state.record != registry.history(stage)[0]:
        raise Violation(f"the record of {stage} is not the last one of its history")
    return state.record.version


def _go_on(registry: Registry, folder: Path, models: Sequence[Sample]) -> None:
    """The next changes work, and mend what was cut off: the publication of one model at most."""
    published = {record.version for record in registry.history("testing")}
    for model in models:
        if model.version not in published and (folder / "versions" / model.version).exists():
            registry.publish(model.path, model.card, "again")
    last = models[-1]
    registry.publish(last.path, last.card, "next")
    registry.promote(last.version, registry.current("production"), "next", force=True)
    if {_held(registry, folder, stage) for stage in get_args(Stage)} != {last.version}:
        raise Violation("the next promotion is not in the stages")
    if problems := registry.verify():
        raise Violation(f"after the next promotion: {problems}")

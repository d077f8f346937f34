"""Record what changes of a registry do to a folder, step by step.

Run as a process: ``python -m tests.registry.torture.disk_trace OUT FIRST SECOND DEATH...``. FIRST
and SECOND are two changes, or two lists of them with commas between. For each number DEATH they are
carried out on a new folder by two processes, of which the first one is killed when it is about to
take its DEATH-th step (0: never); the disk is not synced by that. OUT/DEATH.trace then holds the
:class:`Trace`.

Python's audit events (PEP 578) are the steps, and a stand-in for ``os.fsync``, which has none.
"""

import itertools
import os
import pickle
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from registry.local import LocalBackend
from registry.store import Registry
from tests.registry.samples import Sample, approved, sample

REGISTRY = "parent/registry"  # below the folder that is there already

# Events that change nothing on disk, but for modes, which no file is read by here.
HARMLESS = {"os.listdir", "os.scandir", "os.chmod", "os.walk", "os.fwalk", "os.putenv", "os.fork"}


class Step(NamedTuple):
    """One change of a folder.

    Attributes:
        what: ``create``, ``link``, ``symlink``, ``rename``, ``unlink``, ``mkdir``, ``rmdir``,
            ``sync``; or ``done``, that the caller was told of the change of id ``path``.
        path: of what is changed, relative to the folder.
        other: where ``path`` is linked or renamed from, or what it is a symbolic link to.
        content: of a file that is synced, or is linked or renamed.
    """

    what: str
    path: str
    other: str = ""
    content: bytes | None = None


@dataclass
class Trace:
    """What two actors did, and what was in the stages in the end.

    Attributes:
        steps: in their order.
        testing: the operations of the stage's history, oldest first.
        production: the same.
    """

    steps: list[Step] = field(default_factory=list)
    testing: list[str] = field(default_factory=list)
    production: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it to a file."""
        path.write_bytes(
            pickle.dumps([list(map(tuple, self.steps)), self.testing, self.production])
        )

    @classmethod
    def load(cls, path: Path) -> "Trace":
        """Read it back."""
        steps, testing, production = pickle.loads(path.read_bytes())
        return cls([Step(*step) for step in steps], testing, production)


class Recorder:
    """Takes down the steps of this process below a folder, from now to its end.

    Args:
        folder: the folder.
        death: before which step to die, and not to carry it out; 0 for never.
        die: how.
    """

    def __init__(self, folder: Path, death: int, die: Callable[[list[Step]], None]) -> None:
        self.steps: list[Step] = []
        self._folder = folder
        self._death = death
        self._die = die
        os.fsync = self._sync  # type: ignore[assignment]
        sys.addaudithook(self._audit)

    def add(self, step: Step) -> None:
        """Take down a step that is about to be taken."""
        if self._death and len(self.steps) + 1 == self._death:
            self._die(self.steps)
        self.steps.append(step)

    def _sync(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_relative_to(self._folder):
            content = path.read_bytes() if path.is_file() else None
            self.add(Step("sync", self._relative(path), content=content))

    def _audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & os.O_CREAT:
                self._change("create", path)
        elif event == "os.link" or event == "os.rename":
            source, target, *_ = arguments
            self._change(event.removeprefix("os."), target, source)
        elif event == "os.symlink":
            target, path, _ = arguments
            self._change("symlink", path, target)
        elif event in ("os.remove", "os.rmdir"):
            path, descriptor = arguments
            self._change("unlink" if event == "os.remove" else "rmdir", path, at=descriptor)
        elif event == "os.mkdir":
            self._change("mkdir", arguments[0], at=arguments[2])
        elif event.startswith("os.") and event not in HARMLESS:
            raise NotImplementedError(f"the model of the disk knows no {event}")

    def _change(self, what: str, path: object, other: object = "", at: object = -1) -> None:
        where = Path(os.fsdecode(path))  # type: ignore[arg-type]
        if isinstance(at, int) and at >= 0:
            where = Path(f"/proc/self/fd/{at}").readlink() / where
        if not where.is_absolute() or not where.is_relative_to(self._folder):
            return
        if what != "rename" and os.path.lexists(where) is not (what in ("unlink", "rmdir")):
            return  # it will fail, and change nothing
        if not where.parent.is_dir():
            return
        came_from, content = os.fsdecode(other), None  # type: ignore[arg-type]
        if what in ("link", "rename"):
            source = Path(came_from)
            came_from = self._relative(source)
            content = None if source.is_symlink() else source.read_bytes()
        self.add(Step(what, self._relative(where), came_from, content))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


def samples(folder: Path) -> list[Sample]:
    """The models of which the changes speak by number."""
    return [sample(folder, number, lines=10) for number in range(4)]


def publish(registry: Registry, models: list[Sample], number: int) -> str:
    """Publish a model."""
    return registry.publish(models[number].path, models[number].card, "new").record.operation


def promote(registry: Registry, models: list[Sample], number: int) -> str:
    """Publish, approve and promote a model."""
    version = approved(registry, models[number])
    state = registry.promote(version, registry.current("production"), "good")
    return state.record.operation


def rollback(registry: Registry, models: list[Sample], number: int) -> str:
    """Roll production back to a model, if it holds another one."""
    state = registry.current("production")
    if state is None or state.record.version != models[number].version:
        state = registry.rollback("bad", models[number].version)
    return state.record.operation


ACTIONS = {"publish": publish, "promote": promote, "rollback": rollback}


def act(folder: Path, scratch: Path, actions: str, recorder: Recorder, actor: int) -> None:
    """Carry out changes, as ``promote:0,promote:1,rollback:0``, and take down what is told.

    Nothing in it depends on the time or on chance, so that a state of the disk is known again.
    """
    time.time_ns = itertools.count(actor * 10**18).__next__
    numbers = itertools.count()
    registry = Registry(
        LocalBackend(folder / REGISTRY),
        f"actor-{actor}@host",
        clock=lambda: datetime(2026, 1, actor, tzinfo=UTC),
        new_id=lambda: f"{actor}{next(numbers):031x}",
    )
    models = samples(scratch)
    for action in actions.split(","):
        what, _, number = action.partition(":")
        recorder.add(Step("done", ACTIONS[what](registry, models, int(number))))


def in_child(work: Callable[[Callable[[list[Step]], None]], None]) -> list[Step]:
    """The steps that a forked child hands over, before it ends without any tidying up."""
    with tempfile.TemporaryFile() as pipe:
        child = os.fork()
        if child == 0:

            def end(steps: list[Step]) -> None:
                pickle.dump(steps, pipe)
                pipe.flush()
                os._exit(0)

            try:
                work(end)
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        _, status = os.waitpid(child, 0)
        assert status == 0, "the actor has failed"
        pipe.seek(0)
        steps: list[Step] = pickle.load(pipe)
        return steps


def recorded(first: str, second: str, death: int) -> Trace:
    """What two actors did, the first one of which died before a step."""
    trace = Trace()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scratch:

        def run(actor: int, death: int, end: Callable[[list[Step]], None]) -> None:
            recorder = Recorder(Path(folder), death, end)
            act(Path(folder), Path(scratch), (first, second)[actor - 1], recorder, actor)
            end(recorder.steps)

        trace.steps += in_child(lambda end: run(1, death, end))
        trace.steps += in_child(lambda end: run(2, 0, end)) if second else []
        registry = Registry(LocalBackend(Path(folder) / REGISTRY), "reader@host")
        trace.testing = [each.operation for each in registry.history("testing")[::-1]]
        trace.production = [each.operation for each in registry.history("production")[::-1]]
    return trace


def main(out: str, first: str, second: str, *deaths: str) -> None:
    """Record one trace for each death."""
    for death in deaths:
        recorded(first, second, int(death)).save(Path(out) / f"{death}.trace")


if __name__ == "__main__":
    main(*sys.argv[1:])

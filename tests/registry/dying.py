"""Carry out one change of a registry in a folder, and die at one of its steps on disk.

Run as a process: ``python -m tests.registry.dying ACTION TEMPLATE OUT``. For each number k the
folder TEMPLATE is copied to OUT/k, and a forked child carries out ACTION on the copy until it is
about to take its k-th step, where it kills itself; the last copy is the one that went through.
Python's audit events (PEP 578) are the steps: opening, linking, renaming, removing, making
folders. What is written between two of them lies in a file that nothing names yet.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from registry.local import LocalBackend
from registry.store import Registry
from tests.registry.samples import approved, sample

STEPS = ("open", "os.", "shutil.", "fcntl.flock")


def die_at(step: int, folder: Path) -> None:
    """Kill this process when it is about to take its ``step``-th step in ``folder``."""
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event == "fcntl.flock" or (
            event.startswith(STEPS) and any(str(folder) in str(each) for each in arguments)
        ):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def publish(registry: Registry, scratch: Path) -> None:
    """Publish a third model."""
    third = sample(scratch, 2)
    registry.publish(third.path, third.card, "third")


def promote(registry: Registry, scratch: Path) -> None:
    """Promote the second model over whatever is in production."""
    registry.promote(sample(scratch, 1).version, registry.current("production"), "second")


def rollback(registry: Registry, _: Path) -> None:
    """Roll production back."""
    registry.rollback("bad")


def judge(registry: Registry, scratch: Path) -> None:
    """Approve the third model."""
    approved(registry, sample(scratch, 2))


ACTIONS: dict[str, Callable[[Registry, Path], None]] = {
    "publish": publish,
    "promote": promote,
    "rollback": rollback,
    "judge": judge,
}


def survives(act: Callable[[], None], name: str) -> bool:
    """Whether a child gets through what it is to do; else it kills itself on the way."""
    child = os.fork()
    if child == 0:
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    assert status == 0, f"{name} failed"
    return True


def attempt(action: str, folder: Path, step: int) -> None:
    """Carry out the action, and die before its ``step``-th step."""
    registry = Registry(LocalBackend(folder), "doomed@host")
    scratch = folder.with_name(f"scratch-{folder.name}")
    scratch.mkdir()
    die_at(step, folder)
    ACTIONS[action](registry, scratch)


def main(action: str, template: str, out: str) -> None:
    """Die at every step in turn."""
    os.fsync = lambda _: None  # what it is for no kill can test, and it takes nearly all the time
    step = 0
    done = False
    while not done:
        step += 1
        folder = Path(out) / f"{step:03d}"
        shutil.copytree(template, folder, symlinks=True)
        done = survives(partial(attempt, action, folder, step), f"step {step} of {action}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Carry out one change of a registry in a bucket, and die before one of its requests.

Run as a process: ``python -m tests.registry.dying_on_gcs ACTION BUCKET PROMOTIONS``. For each
number k a forked child fills a registry below the prefix k, and carries out ACTION on it until it
is about to send its k-th request, where it kills itself; the last child is the one that got
through. Dying before a request is dying after the one before it was done, its answer read or not.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

from registry.gcs import GCSBackend
from registry.store import Registry
from tests.registry.dying import ACTIONS
from tests.registry.samples import approved, sample


def opened(bucket: str, step: int) -> Registry:
    """The registry of a step."""
    return Registry(GCSBackend(bucket, f"{step:03d}", timeout=20), "doomed@host")


def die_at(step: int) -> None:
    """Kill this process when it is about to send its ``step``-th request."""
    left = step

    def count(event: str, _: tuple[object, ...]) -> None:
        nonlocal left
        if event == "http.client.send":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def survives(action: str, bucket: str, promotions: int, step: int, scratch: Path) -> bool:
    """Whether a child got through the action before its ``step``-th request."""
    child = os.fork()
    if child == 0:
        registry = opened(bucket, step)
        versions = [approved(registry, sample(scratch, seed)) for seed in range(2)]
        for version in versions[:promotions]:
            registry.promote(version, registry.current("production"), "before")
        die_at(step)
        ACTIONS[action](registry, scratch)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    assert status == 0, f"request {step} of {action} failed"
    return True


def main(action: str, bucket: str, promotions: str) -> None:
    """Die before every request in turn, and say how many there were."""
    with tempfile.TemporaryDirectory() as folder:
        step = 1
        while not survives(action, bucket, int(promotions), step, Path(folder)):
            step += 1
    sys.stdout.write(f"{step}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

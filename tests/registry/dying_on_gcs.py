"""Carry out one change of a registry in a bucket, and die before one of its requests.

Run as a process: ``python -m tests.registry.dying_on_gcs ACTION BUCKET PROMOTIONS``. For each
number k a forked child fills a registry below the prefix k, and carries out ACTION on it until it
is about to send something for the k-th time, where it says what and kills itself; the last child is
the one that got through. Dying before a request is dying after the one before it was done, its
answer read or not. Where a request's head and body are sent one after the other, there is a death
between them.
"""

import itertools
import os
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from registry.gcs import GCSBackend
from registry.store import Registry
from tests.registry import dying
from tests.registry.samples import approved, sample

LARGE = 1_100_000  # lines; more than Google's library sends in one request


def publish_large(registry: Registry, scratch: Path) -> None:
    """Publish a third model that takes several requests to send."""
    third = sample(scratch, 2, LARGE)
    registry.publish(third.path, third.card, "third")


ACTIONS = dying.ACTIONS | {"publish_large": publish_large}


def opened(bucket: str, step: int) -> Registry:
    """The registry of a step."""
    return Registry(GCSBackend(bucket, f"{step:03d}", timeout=20), "doomed@host")


def die_at(step: int) -> None:
    """Kill this process when it is about to send something for the ``step``-th time."""
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event == "http.client.send":
            left -= 1
            if left == 0:
                os.write(1, _first_line(arguments[1]))
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _first_line(sent: object) -> bytes:
    line = bytes(sent).partition(b"\r\n")[0] if isinstance(sent, bytes) else b""
    return (line if line.endswith(b" HTTP/1.1") else b"a body") + b"\n"


def attempt(action: str, bucket: str, promotions: int, step: int, scratch: Path) -> None:
    """Carry out the action, and die before its ``step``-th request."""
    registry = opened(bucket, step)
    versions = [approved(registry, sample(scratch, seed)) for seed in range(2)]
    for version in versions[:promotions]:
        registry.promote(version, registry.current("production"), "before")
    if action == "judge":
        dying.publish(registry, scratch)
    die_at(step)
    ACTIONS[action](registry, scratch)


def main(action: str, bucket: str, promotions: str) -> None:
    """Die before every request in turn, a line for each death."""
    with tempfile.TemporaryDirectory() as folder:
        given = (action, bucket, int(promotions))
        for step in itertools.count(1):
            once = partial(attempt, *given, step, Path(folder))
            if dying.survives(once, f"request {step} of {action}"):
                return


if __name__ == "__main__":
    main(*sys.argv[1:])

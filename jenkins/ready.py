"""``python -m jenkins.ready URL``: wait until a service that was just started is ready."""

import argparse
import os
import sys
from collections.abc import Sequence

from jenkins.client import Client
from process.command import run

TIMEOUT = 10.0  # seconds to wait for each answer


def main(argv: Sequence[str]) -> int:
    """Wait, and return 0.

    Raises:
        NotReady: its process has ended, or it was not ready in time.
    """
    parser = argparse.ArgumentParser(
        prog="python -m jenkins.ready", description="Wait until a service answers GET /ready."
    )
    parser.add_argument("url", help="the service's address")
    parser.add_argument("--pid", type=int, required=True, help="its process on this machine")
    parser.add_argument("--within", type=float, default=120, help="seconds (default: 120)")
    asked = parser.parse_args(argv)
    client = Client(asked.url, TIMEOUT)
    client.wait_until_ready(asked.within, lambda: "" if alive(asked.pid) else "its process ended")
    return 0


def alive(pid: int) -> bool:
    """Whether there is such a process of ours."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(run("jenkins.ready", main))

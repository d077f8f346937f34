"""Promote a version when told to: one of several processes that try it at the same moment.

Run as a process: ``python -m tests.registry.contender VERSION``, with the registry's settings in
the environment. It prints a line once it has seen what is in production, waits for a line on
standard input, promotes against what it has seen, and prints ``won`` or ``lost`` with the
operation that is in production instead.
"""

import sys

from process.settings import read
from registry.errors import Conflict
from registry.open import open_registry
from registry.record import StageRecord
from registry.settings import RegistrySettings


def main(version: str) -> None:
    """Wait for the start, promote, say what came of it."""
    registry = open_registry(read(RegistrySettings), signing=True)
    against = registry.current("production")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    winner: StageRecord | None
    try:
        outcome, winner = "won", registry.promote(version, against, "race").record
    except Conflict as lost:
        outcome, winner = "lost", lost.winner
    sys.stdout.write(f"{outcome} {winner.operation if winner else None}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

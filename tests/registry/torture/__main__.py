"""Torture the registry for some minutes: ``make torture``.

python -m tests.registry.torture [--seconds N] [--seed N]

Power cuts, kills, lost replies, races and random sequences of calls take turns. It prints what it
does and, in the end, the figures; it exits with 1 if the registry broke its contract.
"""

import argparse
import logging
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from tests.gcs.gcs_process import GCSServer
from tests.registry.torture.figures import Figures
from tests.registry.torture.phases import Round, Torture

PROGRESS_SECONDS = 10

# Of the time, where it is not one: there are many more states of a disk than of anything else.
SHARES = {"power cuts": 4, "kills and then power cuts": 2}


def main() -> int:
    """Run, print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=540, help="how long, about")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what clients are warned of is what is ordered here
    os.fsync = lambda descriptor: None  # type: ignore[assignment]  # power is cut in a model
    figures = Figures()
    say(f"seed {options.seed}")
    server = GCSServer()
    os.environ.update(server.variables)
    try:
        with tempfile.TemporaryDirectory() as folder:
            rounds = Torture(Path(folder), server, figures).rounds
            torment(rounds, options.seed, options.seconds, figures)
    finally:
        server.stop()
    say(str(figures))
    return 1 if figures.violations else 0


def torment(rounds: Mapping[str, Round], seed: int, seconds: float, figures: Figures) -> None:
    """Let the rounds take turns, so that each kind has its share of the time."""
    start = said = time.monotonic()
    spent = dict.fromkeys(rounds, 0.0)
    number = 0
    while (now := time.monotonic()) - start < seconds:
        name = min(spent, key=lambda each: spent[each] / SHARES.get(each, 1))
        number += 1
        try:
            rounds[name](seed + number)
        except Exception as error:  # what nobody has foreseen is a violation too
            figures.violations.append(f"{name}, seed {seed + number}")
            say("".join(traceback.format_exception(error)))
            say(f"VIOLATION in {figures.violations[-1]}")
        spent[name] += time.monotonic() - now
        if time.monotonic() - said > PROGRESS_SECONDS:
            said = time.monotonic()
            say(f"{said - start:.0f} of {seconds:.0f} s: {figures}")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Waiting for what another thread or process does by itself."""

import time
from collections.abc import Callable
from typing import TypeVar

WITHIN = 120.0  # seconds; reached only if something is broken
SHORTEST, LONGEST = 0.0001, 0.05  # seconds between two looks

T = TypeVar("T")


def until(
    look: Callable[[], T],
    told: Callable[[], object] = lambda: "it did not happen in time",
    within: float = WITHIN,
) -> T:
    """Look again and again, until there is something.

    Args:
        look: what there is; anything that is false is nothing.
        told: what is said if there never is.
        within: seconds.

    Returns:
        What there is.
    """
    deadline, pause = time.monotonic() + within, SHORTEST
    while not (found := look()):
        assert time.monotonic() < deadline, told()
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)
    return found

"""How many connections the open files of a process allow."""

import logging
import resource

logger = logging.getLogger(__name__)

EACH = 2  # a connection, and the file of a large body
OTHERS = 100  # open files of all else: models, registry, database, threads that decode


def connections(wanted: int) -> int:
    """Raise the limit of open files where it is too low, and say how many connections it allows.

    One that cannot be accepted would be tried again and again, and nobody else be answered.

    Args:
        wanted: connections at a time.
    """
    needed = EACH * wanted + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < needed:  # RLIM_INFINITY is -1
        soft = needed if hard < 0 else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if not 0 <= soft < needed:
        return wanted
    possible = max((soft - OTHERS) // EACH, soft // 4)
    logger.warning(
        "only %d connections at a time, as %d files may be open: raise ulimit -n to %d, or set "
        "SERVE_CONNECTION_LIMIT",
        possible,
        soft,
        needed,
    )
    return possible

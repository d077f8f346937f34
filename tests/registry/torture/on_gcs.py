"""Clients of a registry in a bucket, whose requests the storage server can tell apart."""

import os
import random
from unittest import mock

from registry.gcs import GCSBackend
from tests.gcs.gcs_process import GCSServer

# Seconds. A delayed answer costs the half of it, so long as it is not shorter than the server is
# slow.
TIMEOUT = 2

KINDS = ("503", "reset", "delay")
WHENS = ("before", "after")
OPERATIONS = ("objects.rewrite", "objects.rewrite", "write", "objects.get", "objects.list")


def backend_of(server: GCSServer, bucket: str, prefix: str, who: str) -> GCSBackend:
    """A back end in somebody's name."""
    backend = GCSBackend(bucket, prefix, TIMEOUT)
    with mock.patch.dict(os.environ, server.as_user(who)):
        backend.stat("anything")  # its client keeps the address that it is made with
    return backend


def order_faults(server: GCSServer, who: str, count: int, draw: random.Random) -> int:
    """Order so many requests of somebody to fail in various ways, and say how many."""
    for _ in range(count):
        server.fail(
            operation=draw.choice(OPERATIONS),
            kind=draw.choice(KINDS),
            when=draw.choice(WHENS),
            skip=draw.randrange(6),
            who=who,
            seconds=draw.choice([0, 0, draw.uniform(0, TIMEOUT)]),
        )
    return count

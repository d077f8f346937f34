from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.nginx.proxies import Proxy
from tests.nginx.upstream import Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def other_upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Starts nginx in front of ports, with other values of directives; once in a test.

    It has one process, whose connections to the service can be counted.
    """
    with ExitStack() as running:

        def enter(*upstreams: int, **changed: str) -> Proxy:
            return running.enter_context(
                Proxy(tmp_path, upstreams, {"worker_processes": "1"} | changed)
            )

        yield enter


@pytest.fixture
def proxy(start: Callable[..., Proxy], upstream: Upstream) -> Proxy:
    """nginx in front of the one upstream."""
    return start(upstream.port)

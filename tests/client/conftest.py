from collections.abc import Iterator

import pytest

from tests.api.processes import Process
from tests.client.pictures import COLOURS
from tests.light_versions import Light, brightest, put, registry_in
from tests.nginx.upstream import Upstream


@pytest.fixture(scope="session")
def light() -> Light:
    """A version that names the brightest channel."""
    return brightest(*COLOURS)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, light: Light) -> Iterator[str]:
    """The address of a service, a process of its own, with that version in production."""
    folder = tmp_path_factory.mktemp("service")
    put(registry_in(folder), light, folder)
    with Process(folder) as process:
        process.wait_for("/ready")
        yield process.url


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Somebody else at an address, who notes what is asked."""
    with Upstream() as upstream:
        yield upstream

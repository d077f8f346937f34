import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.catalogue import KEPT, Catalogue
from api.errors import RegistryAway
from registry.errors import Unreachable
from tests.api.bench import Bench
from tests.clock import Clock

FOREVER = 60.0  # seconds; no test waits for as long unless it fails


@pytest.fixture
def catalogue(bench: Bench, clock: Clock) -> Catalogue:
    return Catalogue(bench.registry, clock)


def test_an_empty_registry_is_listed(catalogue: Catalogue) -> None:
    listing = catalogue.listing()
    assert (listing.versions, listing.testing, listing.production) == ((), None, None)


def test_what_the_registry_said_is_kept_for_some_seconds(
    bench: Bench, catalogue: Catalogue, clock: Clock
) -> None:
    first = catalogue.listing()
    bench.backend.error = Unreachable("no route")
    assert catalogue.listing() is first
    clock.now += KEPT
    for _ in range(2):
        with pytest.raises(RegistryAway, match="cannot be listed: no route"):
            catalogue.listing()
    bench.backend.error = None
    with pytest.raises(RegistryAway):
        catalogue.listing()  # that it is away is kept too
    clock.now += KEPT
    assert catalogue.listing().versions == ()


def test_nobody_waits_while_another_asks(
    bench: Bench, catalogue: Catalogue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release = threading.Event(), threading.Event()
    listed = bench.registry.versions

    def slowly() -> list[str]:
        entered.set()
        assert release.wait(FOREVER)
        return listed()

    monkeypatch.setattr(bench.registry, "versions", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(catalogue.listing)
        assert entered.wait(FOREVER)
        with pytest.raises(RegistryAway, match="being asked for the first time"):
            catalogue.listing()
        release.set()
        assert first.result(FOREVER).versions == ()

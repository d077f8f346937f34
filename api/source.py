"""Where models come from: the registry, through the cache on disk."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.cache import Cache, LastServed
from api.errors import NothingInProduction
from api.settings import FOLLOW
from registry.card import Card
from registry.record import StageState
from registry.store import Registry

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What is to be served.

    Attributes:
        version: SHA-256 of the model file.
        state: the production stage that says so; None where the version is pinned.
    """

    version: str
    state: StageState | None


class Source:
    """The production stage of a registry, or one pinned version of it.

    Args:
        registry: the registry.
        url: its address, by which the cache knows whose model it holds.
        cache: copies on disk.
        version: ``follow``, or the version that is pinned.
    """

    def __init__(self, registry: Registry, url: str, cache: Cache, version: str = FOLLOW) -> None:
        self._registry = registry
        self._url = url
        self._cache = cache
        self._version = version

    def wanted(self) -> Wanted:
        """What is to be served now; cheap.

        Raises:
            NothingInProduction: the stage is empty.
            RegistryError: the stage could not be read.
        """
        if self._version != FOLLOW:
            return Wanted(self._version, None)
        state = self._registry.current("production")
        if state is None:
            raise NothingInProduction(
                f"the registry {self._url} has no model in production: train one, "
                "and let the gate (python -m testing) promote it"
            )
        return Wanted(state.record.version, state)

    def obtain(self, wanted: Wanted) -> tuple[Path, Card]:
        """The verified model file, and its card, from the cache or else from the registry.

        Raises:
            RegistryError: it could not be fetched, or is not what its record says.
            OSError: the cache could not be written.
        """
        found = self._cache.find(wanted.version)
        if found is not None:
            return found
        card = self._registry.card(wanted.version)
        path = self._cache.add(
            card, lambda target: self._registry.fetch(wanted.state or wanted.version, target)
        )
        return path, card

    def last_served(self) -> Wanted | None:
        """What served last and came from this registry, if production is followed."""
        last = self._cache.recall() if self._version == FOLLOW else None
        if last is None or last.registry != self._url:
            return None
        return Wanted(last.version, last.state)

    def remember(self, served: Wanted) -> None:
        """Note what serves, to start from it when the registry is away."""
        if served.state is not None:
            with _only_logged():
                self._cache.remember(LastServed(self._url, served.version, served.state))

    def prune(self, keep: Collection[str]) -> None:
        """Delete the copies of every version but those in ``keep``."""
        with _only_logged():
            self._cache.prune(keep)


@contextmanager
def _only_logged() -> Iterator[None]:
    """What fails after a model serves must not look as if it did not."""
    try:
        yield
    except OSError as error:
        logger.warning("the cache could not be brought up to date: %s", error)

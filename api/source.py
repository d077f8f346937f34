"""Where models come from: the registry, through the cache on disk."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.cache import MODEL, Cache, LastServed
from api.errors import CacheUnwritable, NothingInProduction
from api.settings import FOLLOW
from registry.card import Card
from registry.errors import Corrupt, NotPromotable, RegistryError, Untrusted, Unwritable
from registry.evidence import Evidence, vouched
from registry.record import StageRecord, StageState
from registry.store import Registry
from registry.verdict import Variant, Verdict

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

    @property
    def source(self) -> StageRecord | str:
        """What has to be vouched for: the record, or the version where it is pinned."""
        return self.state.record if self.state else self.version


@dataclass(frozen=True)
class Obtained:
    """A version that may be served, at hand.

    Attributes:
        model: the verified model file; raises as :meth:`Source.obtain` does.
        card: its card.
        verdict: what the gate says of it; None if nobody asked.
        variants: what the gate let pass to serve in its place.
        read: the verified file of one of these; raises RegistryError.
    """

    model: Callable[[], Path]
    card: Card
    verdict: Verdict | None
    variants: tuple[Variant, ...]
    read: Callable[[Variant], bytes]


class Source:
    """The production stage of a registry, or one pinned version of it.

    Args:
        registry: the registry.
        url: its address, by which the cache knows whose model it holds.
        cache: copies on disk.
        version: ``follow``, or the version that is pinned.

    Attributes:
        unkept: why the cache does not hold all that it should; None if it does.
    """

    def __init__(self, registry: Registry, url: str, cache: Cache, version: str = FOLLOW) -> None:
        self._registry = registry
        self._url = url
        self._cache = cache
        self._version = version
        self._newest: StageRecord | None = None  # of those that have served
        self.unkept: CacheUnwritable | None = None
        self._asked: list[Callable[[], object]] = []  # for files of what was obtained last

    def wanted(self) -> Wanted:
        """What is to be served now; cheap.

        Raises:
            NothingInProduction: the stage is empty.
            Untrusted: it holds what nobody with the key has put there, or an older record than
                what has served, which somebody has put back.
            RegistryError: the stage could not be read.
        """
        if self._version != FOLLOW:
            return Wanted(self._version, None)
        state = self._registry.current("production")
        if state is None:
            raise NothingInProduction(
                f"the registry {self._url} has no model in production: mount its volume if that "
                "is away, or train a model and let the gate (python -m testing) promote it"
            )
        self._require_newest(state.record)
        return Wanted(state.record.version, state)

    @contextmanager
    def obtain(self, wanted: Wanted, serving: str) -> Iterator[Obtained]:
        """What belongs to a version, and its files, from the cache or from the registry.

        A file is fetched when it is asked for. One that the cache has no room for is there only as
        long as the context.

        Args:
            wanted: what is to be served.
            serving: the version that serves meanwhile, which the cache keeps; empty if none does.

        Raises:
            RegistryError: something could not be fetched, or is not what was signed.
            CacheUnwritable: nor is there room for the model file in a temporary folder.
        """
        self.unkept = None
        self._asked.clear()
        self._make_room(wanted, serving)
        card, found = self.vouch(wanted)
        variants = self._registry.variants(wanted.source, found)
        with ExitStack() as stack:
            model = partial(self._model, wanted, stack)
            read = partial(self._read, wanted.version, found.id)
            yield Obtained(model, card, self.verdict(wanted, found), variants, read)

    def vouch(self, wanted: Wanted) -> tuple[Card, Evidence]:
        """The card and the evidence, kept or the registry's, that the version may be served.

        Raises:
            RegistryError: there is none, or it could not be had.
        """
        kept = self._cache.evidence(wanted.version)
        if kept is not None:
            try:
                return self._registry.examine(wanted.source, kept), kept
            except (Corrupt, NotPromotable) as error:
                logger.info("the registry is asked, as what was kept does not do: %s", error)
        found = self._registry.evidence(wanted.source)
        card = self._registry.examine(wanted.source, found)
        with self._noting():
            self._cache.add_evidence(wanted.version, found)
        return card, found

    def verdict(self, wanted: Wanted, found: Evidence) -> Verdict | None:
        """What the gate says of a version, in the evidence of :meth:`vouch`; None if nobody asked.

        It is for people to read: that it cannot be read keeps no version from serving.
        """
        try:
            return vouched(wanted.source, found)
        except RegistryError as error:
            logger.warning("the gate's verdict cannot be shown: %s", error)
            return None

    def last_served(self) -> Wanted | None:
        """What served last and came from this registry, if production is followed."""
        last = self._cache.recall() if self._version == FOLLOW else None
        if last is None or last.registry != self._url:
            return None
        try:
            self._registry.check(last.state.record)
        except Untrusted as error:
            logger.warning("what served last is not taken into account: %s", error)
            return None
        return Wanted(last.state.record.version, last.state)

    def remember(self, served: Wanted) -> None:
        """Note what serves, to start from it when the registry is away."""
        if served.state is not None:
            self._newest = served.state.record
            with self._noting():
                self._cache.remember(LastServed(self._url, served.version, served.state))

    def keep(self, served: Wanted) -> None:
        """Try again to keep what the cache had no room for when this version was obtained.

        Raises:
            RegistryError: it could not be fetched again.
        """
        before, self.unkept = self.unkept, None
        try:
            self.vouch(served)
            for keep in self._asked:
                keep()
        except Exception:
            self.unkept = before
            raise
        self.remember(served)

    def _make_room(self, wanted: Wanted, serving: str) -> None:
        last = None if serving else self.last_served()
        with self._noting():
            self._cache.prune({wanted.version, last.version if last else serving})

    def _model(self, wanted: Wanted, stack: ExitStack) -> Path:
        self._asked.append(partial(self._keep, wanted))
        return self._keep(wanted) or self._fetch_aside(wanted, stack)

    def _keep(self, wanted: Wanted) -> Path | None:
        if kept := self._cache.find(wanted.version):
            return kept
        with self._noting():
            return self._cache.add(wanted.version, lambda target: self._fetch(wanted, target))
        return None

    def _fetch_aside(self, wanted: Wanted, stack: ExitStack) -> Path:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            return self._fetch(wanted, Path(folder) / MODEL)
        except (OSError, Unwritable) as error:
            raise self.unkept or error from error

    def _read(self, version: str, verdict: str, variant: Variant) -> bytes:
        self._asked.append(partial(self._variant, version, verdict, variant))
        return self._variant(version, verdict, variant)

    def _variant(self, version: str, verdict: str, variant: Variant) -> bytes:
        content = self._cache.find_variant(version, variant)
        if content is None:
            content = self._registry.variant(version, verdict, variant)
            with self._noting():
                self._cache.add_variant(version, variant, content)
        return content

    def _fetch(self, wanted: Wanted, target: Path) -> Path:
        return self._registry.fetch(wanted.state or wanted.version, target)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Go on without the cache where it cannot be written, which is no reason not to serve."""
        try:
            yield
        except CacheUnwritable as error:
            self.unkept = error

    def _require_newest(self, record: StageRecord) -> None:
        """Check that nobody has put a record back that is older than what has served."""
        if self._newest is None:
            last = self.last_served()
            self._newest = last.state.record if last and last.state else None
        newest = self._newest
        if newest is None or record == newest or record.sequence > newest.sequence:
            return
        raise Untrusted(
            f"production holds record {record.sequence} ({record.version[:12]}), but record "
            f"{newest.sequence} ({newest.version[:12]}) has served before: somebody put an older "
            "one back: roll back or promote, which takes the next number, or empty MODEL_CACHE and "
            "restart if the registry was begun anew",
            "replayed",
        )

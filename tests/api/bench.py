"""A registry that can be taken away, and services on it that are looked at step by step."""

from pathlib import Path

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.cache import Cache
from api.holder import Holder
from api.refresher import Refresher
from api.selection import Selection
from api.settings import ModelSettings
from api.source import Obtained, Source
from classifier.runtime import Classifier
from process.backoff import Backoff
from registry.store import Registry
from tests.api.switchable import Switchable
from tests.registry.keyrings import trust

SECONDS = 10.0  # between looks


class Bench:
    """A registry that can be taken away, a cache, and services that are started on them."""

    def __init__(self, folder: Path) -> None:
        self.backend = Switchable()
        self.registry = Registry(self.backend, "tester", trust=trust())
        self.cache = folder / "cache"
        self.now = 0.0
        self.backoff = Backoff(first=8, longest=64)
        self.loaded: list[str] = []
        self.settings = ModelSettings()
        self.start()

    def start(self, version: str = "follow", url: str = "file:registry") -> None:
        """A new process: nothing serves, and only the disk cache is left of the one before."""
        self.holder = Holder()
        self.alerts = open_alerts(AlertSettings(), "api")
        self.source = Source(self.registry, url, Cache(self.cache), version)
        self.refresher = Refresher(
            self.source,
            self.holder,
            self.load,
            self.alerts,
            SECONDS,
            self.backoff,
            lambda: self.now,
        )

    def load(self, obtained: Obtained) -> Classifier:
        self.loaded.append(obtained.card.version)
        self.problem_while_loading = self.holder.problem
        return Selection(self.settings, [1, 2], self.alerts).load(obtained)

    @property
    def serving(self) -> str:
        return self.holder.current.version if self.holder.current else ""

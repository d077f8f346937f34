"""Which model answers a batch, chosen once, and how each process comes by it.

A model comes as the service's does: from production or pinned, signed, and in the form that is
fastest here. A batch that was begun keeps to that version and form, whatever becomes of production,
so that all of its answers are of one model.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from alerts.limiter import Limiter
from alerts.sender import AlertSender
from api.batch.ledger import Asked, Job
from api.cache import Cache
from api.holder import Snapshot
from api.selection import Selection
from api.settings import ModelSettings
from api.source import Source, Wanted
from classifier.labels import Labels
from registry.errors import RegistryError
from registry.open import open_registry
from registry.settings import RegistrySettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """Where a model comes from. It can be sent to other processes.

    Attributes:
        model: which version, and what may run it.
        registry: the registry.
        cache: the folder for verified copies.
    """

    model: ModelSettings
    registry: RegistrySettings
    cache: Path

    def wanted(self, version: str = "") -> Wanted:
        """What is to answer: ``version``, or else what the settings say.

        What is in production need not have passed the gate, if a person has put it there by
        force. Any other version must have.

        Raises:
            NothingInProduction, RegistryError: nobody can tell.
        """
        try:
            now = self._source().wanted()
        except RegistryError:
            if not version:
                raise
            logger.info("the registry does not say what is in production")
        else:
            if version in ("", now.version):
                return now
        return Wanted(version, None)

    def load(self, wanted: Wanted, batch_sizes: Sequence[int]) -> Snapshot:
        """The model, checked, and warm for these sizes.

        Raises:
            APIError, RegistryError, ClassifierError, ImagesError: it may not, or cannot, answer.
        """
        # Whoever runs a batch reads its log: nobody is sent an e-mail.
        alerts = AlertSender("api.batch", None, Limiter(0, 0))
        with self._source().obtain(wanted, "") as obtained:
            classifier = Selection(self.model, batch_sizes, alerts).load(obtained)
        return Snapshot(
            classifier=classifier,
            labels=Labels(obtained.card.classes, obtained.card.threshold),
            version=wanted.version,
            record=wanted.state.record if wanted.state else None,
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            card=obtained.card,
        )

    def _source(self) -> Source:
        registry = open_registry(self.registry)
        return Source(registry, self.registry.url, Cache(self.cache), self.model.version)


@dataclass(frozen=True)
class Loader:
    """From a job to the model that answers it, in any process."""

    origin: Origin
    wanted: Wanted
    job: Job

    def load(self, batch_sizes: Sequence[int]) -> Snapshot:
        """The model in the form that the job was begun with; errors are those of Origin."""
        chosen = {"runtime": self.job.runtime, "precision": self.job.precision}
        origin = replace(self.origin, model=self.origin.model.model_copy(update=chosen))
        snapshot = origin.load(self.wanted, batch_sizes)
        return replace(snapshot, labels=snapshot.labels.at(self.job.threshold))


def begin(asked: Asked, origin: Origin, images: int) -> Job:
    """Choose what answers so many images; errors are those of Origin."""
    snapshot = origin.load(origin.wanted(), [1])
    threshold = snapshot.labels.threshold if asked.threshold is None else asked.threshold
    classifier = snapshot.classifier
    return Job(asked, snapshot.version, classifier.runtime, classifier.precision, threshold, images)

"""A model of the registry, fetched, verified and loaded to be asked."""

from dataclasses import dataclass
from pathlib import Path

from classifier.load import load
from classifier.runtime import Classifier
from registry.card import Card
from registry.errors import Corrupt, NotFound
from registry.record import StageState
from registry.store import Registry


@dataclass(frozen=True)
class Contender:
    """A model and what is known of it.

    Attributes:
        card: its card.
        classifier: the loaded model.
    """

    card: Card
    classifier: Classifier


def pull(registry: Registry, state: StageState, target: Path) -> Contender:
    """Fetch and load what is in a stage.

    Raises:
        RegistryError: Corrupt, if what is stored is not what was recorded and signed; NotFound,
            if the stage has changed since.
        ClassifierError: the file cannot be loaded, or its outputs do not fit its card.
    """
    try:
        card = registry.examine(state.record, registry.evidence(state.record))
    except NotFound as missing:
        raise Corrupt(str(missing)) from missing
    path = registry.fetch(state, target)
    return Contender(card, load(path, classes=len(card.classes)))

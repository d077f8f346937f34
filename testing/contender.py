"""A model of the registry, fetched, verified and loaded to be asked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.load import load
from classifier.runtime import Classifier
from images import Images
from registry.card import Card
from registry.errors import Corrupt, NotFound
from registry.record import StageState
from registry.store import Registry
from testing.comparison import Names
from testing.scoring import Probabilities


@dataclass(frozen=True)
class Contender:
    """A model and what is known of it.

    Attributes:
        card: its card.
        classifier: the loaded model.
    """

    card: Card
    classifier: Classifier

    def names(self, images: Images) -> Names:
        """The class that it answers each image with, str[N], from all that it knows."""
        return named(self.card.classes, self.classifier.predict(images))


def named(classes: tuple[str, ...], answers: Probabilities) -> Names:
    """The likeliest class of each row of probabilities, float[N, classes], by name."""
    names: Names = np.array(classes)[answers.argmax(axis=1)]
    return names


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

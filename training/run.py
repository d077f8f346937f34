"""A whole run: images in, a version in the registry's testing stage out."""

import logging
from dataclasses import replace
from pathlib import Path

from images.dataset import Dataset
from images.split import Split
from registry.card import Card
from registry.errors import RegistryError
from registry.store import Registry
from training import checks, data, permission, warm_start
from training.errors import NotPublished, TooInaccurate
from training.settings import TrainSettings
from training.workspace import Workspace, key, workspace

logger = logging.getLogger(__name__)


def train(settings: TrainSettings, registry: Registry) -> Card:
    """Train, or go on where an equal run was interrupted, and publish; returns the card.

    Raises:
        RegistryError: the registry does not know this process.
        DataError: the images cannot be used as they are.
        TrainingError: the run ended without a published model; the message says why.
    """
    permission.require(registry)
    dataset, parts = data.read(settings.data)
    base = warm_start.find(registry, dataset.classes) if settings.warm_start else ""
    name = key(settings.model_dump(exclude={"work"}), dataset.fingerprint, base)
    with workspace(Path(settings.work), name) as space:
        card = space.card
        if card is None:
            if base:
                registry.fetch(base, space.base)
            card = _train(settings, dataset, parts, space)
        _publish(space, card, registry)
        space.remove()
    return card


def _train(settings: TrainSettings, dataset: Dataset, parts: Split, space: Workspace) -> Card:
    """Train until there is a model file with its card in ``space``."""
    # These load TensorFlow, which takes seconds that a mistake found above need not wait for.
    from classifier.tensorflow_runtime import prepare_devices
    from training import card, confidence, network, suspects
    from training.grow import Growth
    from training.save import save

    gpus = prepare_devices()
    logger.info("training on %s", ", ".join(gpus) or "CPU")
    base = space.base if settings.warm_start else None
    policy = "mixed_float16" if gpus else "float32"
    try:
        attempt, trained = Growth(settings, parts, space.checkpoint, base, policy).run()
    except TooInaccurate:
        space.remove()  # the same run would fail again: nothing in it is worth resuming
        raise
    settled = confidence.settle(trained, parts.calibration.distinct(), settings)
    trained.name = network.name(dataset.classes, settled.threshold)
    save(trained, space.model)
    made = card.make(space.model, attempt.history, dataset, parts, settings, settled)
    found = (*checks.check(dataset, parts), *suspects.check(trained, dataset))
    for finding in found:
        logger.warning("%s %s", finding.sentence, finding.advice)
    made = replace(made, data=replace(made.data, findings=found))
    space.finish(made)
    return made


def _publish(space: Workspace, card: Card, registry: Registry) -> None:
    why = f"trained on {card.data.source}: validation accuracy {card.metrics['val_accuracy']:.4f}"
    try:
        registry.publish(space.model, card, why)
    except RegistryError as error:
        raise NotPublished(
            f"the model is trained but not published: {error}; it is kept in {space.model}, "
            "and the same command publishes it without training again"
        ) from error

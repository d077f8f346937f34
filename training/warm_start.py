"""Going on from the model in production instead of from random weights."""

from collections.abc import Sequence

from registry.store import Registry
from training.errors import CannotWarmStart


def find(registry: Registry, classes: Sequence[str]) -> str:
    """The version in production, if it can be trained further on data of these classes.

    Raises:
        CannotWarmStart: production is empty, or its model has other classes.
    """
    state = registry.current("production")
    if state is None:
        raise CannotWarmStart(
            "there is no model in production to start from: train without --warm-start "
            "(TRAIN_WARM_START) first"
        )
    version = state.record.version
    known = registry.card(version).classes
    if known != tuple(classes):
        raise CannotWarmStart(
            f"the model in production knows the classes {', '.join(known)}, but the data has "
            f"{', '.join(classes)}: train without --warm-start (TRAIN_WARM_START)"
        )
    return version

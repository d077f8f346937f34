"""Two models in turn in production, of which each has names for its classes that are its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.card import Card
from registry.store import Registry
from tests.api.ray_environment import registry_in
from tests.api.variants import Model, put
from tests.onnx_models import of_keras

CLASSES = (("circle", "cross", "square"), ("dog", "elk", "fox"))


@dataclass(frozen=True)
class Production:
    """A registry, and what is put into production there.

    Attributes:
        registry: the registry.
        models: what there is.
    """

    registry: Registry
    models: tuple[Model, ...]

    @property
    def labels(self) -> dict[str, str]:
        """What each version says of a black image, of which an untrained model knows nothing."""
        return {card.version: card.classes[0] for _, card in self.models}

    def put(self, number: int) -> str:
        """Put a model into production; its version."""
        model = self.models[number]
        return put(self.registry, model, {"float32": of_keras(model[0])}).record.version


@pytest.fixture
def production(
    tmp_path: Path, make_model: Callable[..., Path], make_card: Callable[..., Card]
) -> Production:
    """The first model in production, in the registry that programs here find."""
    paths = [make_model(seed) for seed in (1, 2)]
    models = [(path, make_card(path, names)) for path, names in zip(paths, CLASSES, strict=True)]
    made = Production(registry_in(tmp_path), tuple(models))
    made.put(0)
    return made

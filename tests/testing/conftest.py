"""A small world for the gate: coloured images, a registry, and ways to publish into it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.open import open_alerts
from alerts.sender import AlertSender
from alerts.settings import AlertSettings
from images.folder import read
from registry.card import Card
from registry.memory import MemoryBackend
from registry.record import StageState
from registry.store import Registry
from testing.settings import GateSettings
from tests.registry.keyrings import trust
from tests.testing.paint import CLASSES, COLOURS, GREY, model, paint


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("three") / "images", COLOURS)


@pytest.fixture(scope="session")
def colours_and_grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("four") / "images", COLOURS | GREY)


@pytest.fixture
def backend() -> Any:
    return MemoryBackend()


@pytest.fixture
def registry(backend: Any) -> Registry:
    return Registry(backend, "tester", trust=trust())


@pytest.fixture
def publish(
    tmp_path: Path, registry: Registry, colours: Path, make_card: Callable[..., Card]
) -> Callable[..., StageState]:
    """Puts a model, or weights for one, into testing with a card that describes it.

    Fields of the card can be changed by keyword.
    """
    fingerprint = read(colours).fingerprint

    def put(made: Any, classes: tuple[str, ...] = CLASSES, **changes: Any) -> StageState:
        path = tmp_path / "best_model.hdf5"
        (made if hasattr(made, "save") else model(made)).save(path)
        card = make_card(path, classes)
        card = replace(card, data=replace(card.data, fingerprint=fingerprint))
        return registry.publish(path, replace(card, **changes), "a test")

    return put


@pytest.fixture
def settings(colours: Path, tmp_path: Path) -> GateSettings:
    """A margin for the few images there are, and no haste on a busy machine.

    Images are damaged, and variants made, only where that is what a test is about.
    """
    return GateSettings(
        data=str(colours),
        reports=str(tmp_path / "reports"),
        margin=0.12,
        max_latency=60_000,
        robustness_images=0,
        variants=False,
    )


@pytest.fixture
def alerts() -> Iterator[AlertSender]:
    with open_alerts(AlertSettings(), "gate") as sender:
        yield sender

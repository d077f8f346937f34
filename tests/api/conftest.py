import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.app import create_app
from api.batcher import Batcher
from api.catalogue import Catalogue
from api.holder import Answer, Holder, Snapshot
from api.metrics import Metrics, StateCollector
from api.service import Service
from classifier.labels import Labels
from images import Images
from registry import keys
from registry.card import Card
from registry.memory import MemoryBackend
from registry.open import open_registry
from registry.record import StageRecord, StageState
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.api.bench import Bench
from tests.api.first_pixel import FirstPixel
from tests.api.variants import Files, Model
from tests.onnx_models import of_keras
from tests.registry.samples import card, verdict


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive(), thread


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def snapshot() -> Snapshot:
    """A model that answers with the first byte of an image, cheaply."""
    record = StageRecord(
        "production", "a" * 64, "", 7, "op", "promote", "gate@host", "2026-01-01T00:00:00Z", "good"
    )
    return Snapshot(
        classifier=FirstPixel(),  # type: ignore[arg-type]
        labels=Labels(tuple(f"class {index}" for index in range(256)), 0.0),
        version="a" * 64,
        record=record,
        since="2026-01-02T00:00:00+00:00",
        card=card("a" * 64),
    )


@pytest.fixture
def holder() -> Holder:
    return Holder()


@pytest.fixture
def service(holder: Holder) -> Iterator[Service]:
    """A service whose batcher runs, and which notes in the holder that it was initialised."""
    metrics = Metrics()
    batcher: Batcher[Images, Answer] = Batcher(metrics.watch(holder.answer), 8, 256)
    metrics.read_also(StateCollector(holder, lambda: batcher.waiting, lambda: 0))
    batcher.start()

    def initialise() -> None:
        holder.problem = "initialised"

    alerts = open_alerts(AlertSettings(), "api")
    catalogue = Catalogue(Registry(MemoryBackend(), "tester"))
    yield Service(holder, batcher, initialise, alerts, 60, metrics, catalogue)
    assert batcher.stop(60)


@pytest.fixture
def app(service: Service) -> Flask:
    return create_app(service)


@pytest.fixture(scope="session")
def models(make_model: Callable[..., Path], make_card: Callable[..., Card]) -> tuple[Model, Model]:
    """Two real models, each with its card."""
    first, second = make_model(1), make_model(2)
    return (first, make_card(first)), (second, make_card(second))


@pytest.fixture(scope="session")
def files(models: tuple[Model, Model]) -> Files:
    """Variants of the first model: two files that answer alike."""
    content = of_keras(models[0][0])
    return {"float32": content, "int8": content + b"\x32\x00"}  # an empty doc_string at the end


@pytest.fixture
def on_disk(tmp_path: Path) -> Registry:
    """The registry and the keys that a service which starts in this folder finds."""
    folder = tmp_path / "var" / "keys"
    settings = RegistrySettings(
        url=f"file:{tmp_path / 'registry'}",
        timeout=120,
        signing_key=folder / "signing.pem",
        public_key=folder / "public.pem",
    )
    keys.make(settings.signing_key, settings.public_key)
    return open_registry(settings, signing=True)


@pytest.fixture(scope="session")
def impostor(make_model: Callable[..., Path], make_card: Callable[..., Card]) -> Model:
    """A real model which does not answer its golden image as its card says."""
    path = make_model(3)
    card = make_card(path)
    wrong = replace(card.golden, probabilities=card.golden.probabilities[::-1])
    return path, replace(card, golden=wrong)


@pytest.fixture(scope="session")
def promote() -> Callable[[Registry, Model], StageState]:
    """Puts a model into production, as the gate does."""

    def put(registry: Registry, model: Model) -> StageState:
        path, card = model
        registry.publish(path, card, "a test")
        registry.add_verdict(verdict(registry, card.version), {})
        return registry.promote(card.version, registry.current("production"), "a test")

    return put

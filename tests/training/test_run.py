"""Whole runs: what ends in the registry, and what is kept when something goes wrong."""

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from classifier import golden
from classifier.load import load, load_model
from images.folder import read
from images.split import split
from registry.backend import Blob
from registry.card import Card
from registry.errors import Unreachable
from registry.memory import MemoryBackend
from registry.store import Registry
from tests.training.squares import paint
from training import network
from training.errors import AlreadyRunning, CannotWarmStart, NotPublished, TooInaccurate
from training.run import train
from training.settings import TrainSettings
from training.workspace import key, workspace

Settings = Callable[..., TrainSettings]
COLOURS = ("blue", "green", "red")


class Away(MemoryBackend):
    """A registry that takes nothing while it is away."""

    away = True

    def create(self, name: str, source: BinaryIO) -> Blob:
        if self.away:
            raise Unreachable("the registry does not answer")
        return super().create(name, source)


@contextlib.contextmanager
def interrupted_after(words: str, module: str = "grow") -> Iterator[None]:
    """Interrupt this process when a module of training logs ``words``."""

    def interrupt(record: logging.LogRecord) -> bool:
        if words in record.getMessage():
            raise KeyboardInterrupt
        return True

    logger = logging.getLogger(f"training.{module}")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addFilter(interrupt)
    try:
        yield
    finally:
        logger.removeFilter(interrupt)
        logger.setLevel(level)


def name_of(settings: TrainSettings) -> str:
    """The name of the run with these settings."""
    fingerprint = read(Path(settings.data)).fingerprint
    return key(settings.model_dump(exclude={"work"}), fingerprint, "")


def left(settings: TrainSettings) -> list[Path]:
    return list(Path(settings.work).iterdir())


def test_a_run_ends_in_testing(registry: Registry, settings: Settings, tmp_path: Path) -> None:
    card = train(settings(), registry)
    state = registry.current("testing")
    assert state is not None
    assert state.record.version == card.version
    assert "validation accuracy" in state.record.why
    assert registry.card(card.version) == card
    assert card.calibration is not None
    assert card.calibration.images == card.data.images["calibration"] > 0
    classifier = load(registry.fetch(state, tmp_path / "best_model.hdf5"), 3)
    assert load_model(tmp_path / "best_model.hdf5").name == network.name(COLOURS, card.threshold)
    pixels = np.frombuffer(card.golden.pixels, np.uint8).reshape(card.input_shape)
    golden.check(classifier, pixels, card.golden.probabilities)
    assert left(settings()) == []


def test_another_meaning_is_another_version(
    registry: Registry, settings: Settings, colours: Path, tmp_path: Path
) -> None:
    renamed = tmp_path / "renamed"
    shutil.copytree(colours, renamed)
    (renamed / "red").rename(renamed / "rot")
    cards = [
        train(settings(epochs=1, **changes), registry)
        for changes in ({}, {"threshold": 0.5}, {"data": str(renamed)})
    ]
    assert len({card.version for card in cards}) == 3
    assert [registry.card(card.version).threshold for card in cards] == [0, 0.5, 0]
    state = registry.current("testing")
    assert state is not None
    assert registry.card(state.record.version).classes == ("blue", "green", "rot")


def test_copies_are_on_the_card_and_say_nothing_of_confidence(
    registry: Registry, settings: Settings, colours: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(colours, tmp_path / "copied")
    for file in sorted(folder.rglob("*.png")):
        shutil.copy(file, file.with_stem(f"{file.stem}-copy"))
    card = train(settings(epochs=1, data=str(folder)), registry)
    [found] = [each for each in card.data.findings if each.name == "duplicates"]
    assert "120 of 240" in found.sentence
    assert card.calibration
    assert card.data.images["calibration"] == 2 * card.calibration.images > 0


def test_what_could_not_be_published_is_published_without_training(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    backend = Away()
    registry = Registry(backend, "tester")
    with pytest.raises(NotPublished, match=r"does not answer; it is kept in \S+best_model.hdf5"):
        train(settings(), registry)
    [folder] = filter(Path.is_dir, left(settings()))
    assert load(folder / "best_model.hdf5").classes == 3
    backend.away = False
    caplog.clear()
    with caplog.at_level(logging.INFO):
        card = train(settings(), registry)
    assert "epoch" not in caplog.text
    assert registry.card(card.version) == card
    assert left(settings()) == []


def test_an_interruption_after_the_best_epoch_does_not_change_what_is_published(
    registry: Registry, settings: Settings, tmp_path: Path
) -> None:
    # A learning rate that destroys what was learnt makes later epochs worse.
    wild = settings(epochs=30, patience=2, learning_rate=1)
    undisturbed = train(wild, registry)
    best = int(undisturbed.metrics["best_epoch"])
    assert best + 2 == len(undisturbed.history["val_loss"])
    with interrupted_after(f"attempt 1, epoch {best + 1}:"), pytest.raises(KeyboardInterrupt):
        train(wild, registry)
    resumed = train(wild, registry)
    assert resumed.history == undisturbed.history
    assert resumed.version == undisturbed.version


def test_an_interruption_after_the_last_epoch_does_not_change_what_is_published(
    registry: Registry, settings: Settings
) -> None:
    chosen = settings(epochs=1)
    undisturbed = train(chosen, registry)
    with interrupted_after("temperature", "confidence"), pytest.raises(KeyboardInterrupt):
        train(chosen, registry)
    resumed = train(chosen, registry)
    assert resumed.version == undisturbed.version
    assert resumed.calibration == undisturbed.calibration


def test_a_failed_run_leaves_nothing_to_resume(registry: Registry, settings: Settings) -> None:
    hopeless = settings(epochs=1, min_accuracy=1, learning_rate=1e-9, seed=3)
    with pytest.raises(TooInaccurate):
        train(hopeless, registry)
    assert left(hopeless) == []
    assert registry.current("testing") is None


def test_damaged_leftovers_are_as_none(registry: Registry, settings: Settings) -> None:
    chosen = settings(epochs=1)
    with workspace(Path(chosen.work), name_of(chosen)) as space:
        space.checkpoint.write_bytes(b"")
        (space.folder / "card.json").write_bytes(b"")
    card = train(chosen, registry)
    assert registry.versions() == [card.version]
    assert left(chosen) == []


def test_two_processes_do_not_share_a_run(registry: Registry, settings: Settings) -> None:
    chosen = settings()
    with workspace(Path(chosen.work), name_of(chosen)), pytest.raises(AlreadyRunning):
        train(chosen, registry)


class TestWarmStart:
    """Runs that go on from production."""

    @pytest.fixture
    def production(
        self, registry: Registry, make_model: Callable[..., Path], make_card: Callable[..., Card]
    ) -> Callable[..., Path]:
        def put(classes: tuple[str, ...] = COLOURS) -> Path:
            model = make_model(classes=len(classes))
            card = make_card(model, classes)
            registry.publish(model, card, "a test")
            registry.promote(card.version, None, "a test", force=True)
            return model

        return put

    def test_it_goes_on_from_the_model_in_production(
        self,
        registry: Registry,
        settings: Settings,
        production: Callable[..., Path],
        tmp_path: Path,
    ) -> None:
        before = load(production())
        # So small a learning rate changes next to nothing.
        card = train(settings(warm_start=True, learning_rate=1e-9), registry)
        after = load(registry.fetch(card.version, tmp_path / "best_model.hdf5"))
        images = read(Path(settings().data)).images
        np.testing.assert_allclose(before.predict(images), after.predict(images), atol=1e-4)
        assert load_model(tmp_path / "best_model.hdf5").name == network.name(COLOURS, 0.0)

    def test_it_learns_from_new_data(
        self,
        registry: Registry,
        settings: Settings,
        production: Callable[..., Path],
        tmp_path: Path,
    ) -> None:
        before = load(production())
        more = paint(tmp_path / "more", 50, seed=1)
        card = train(settings(data=str(more), warm_start=True), registry)
        after = load(registry.fetch(card.version, tmp_path / "best_model.hdf5"))
        held_out = split(read(more)).held_out
        wrong_before = (before.predict(held_out.images).argmax(1) != held_out.labels).sum()
        wrong_after = (after.predict(held_out.images).argmax(1) != held_out.labels).sum()
        assert wrong_after < wrong_before

    def test_an_empty_production_is_an_error(self, registry: Registry, settings: Settings) -> None:
        with pytest.raises(CannotWarmStart, match="no model in production"):
            train(settings(warm_start=True), registry)

    def test_other_classes_are_an_error(
        self, registry: Registry, settings: Settings, production: Callable[..., Path]
    ) -> None:
        production(("blue", "green", "yellow"))
        with pytest.raises(CannotWarmStart, match="blue, green, yellow, but the data has blue"):
            train(settings(warm_start=True), registry)

    def test_one_that_does_not_suffice_is_followed_by_a_new_network(
        self,
        registry: Registry,
        settings: Settings,
        production: Callable[..., Path],
        tmp_path: Path,
    ) -> None:
        production()
        # The base has no convolution and one epoch: it stays behind, the new network does not.
        card = train(
            settings(warm_start=True, epochs=1, learning_rate=0.005, min_accuracy=0.95), registry
        )
        assert card.metrics["val_accuracy"] >= 0.95

"""Attempts grow, resume and end as they should; all trainings here are real."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from images.folder import read
from images.split import Split, split
from training import checkpoint
from training.attempt import Attempt
from training.checkpoint import Checkpoint
from training.errors import TooInaccurate
from training.grow import Growth
from training.network import build
from training.settings import TrainSettings

Settings = Callable[..., TrainSettings]


@pytest.fixture(scope="module")
def parts(colours: Path) -> Split:
    return split(read(colours))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.npz"


def same(one: checkpoint.Arrays, other: checkpoint.Arrays) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_best_epoch_is_what_comes_out(parts: Split, settings: Settings, file: Path) -> None:
    # A learning rate that destroys what was learnt makes later epochs worse.
    attempt, network = Growth(settings(epochs=4, learning_rate=1), parts, file).run()
    network.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = network.evaluate(parts.validation.images, parts.validation.labels, verbose=0)
    best = attempt.history.best_metrics
    assert best["val_loss"] == min(attempt.history.metrics["val_loss"])
    assert loss == pytest.approx(best["val_loss"], rel=1e-3)
    assert accuracy == pytest.approx(best["val_accuracy"])


def test_patience_ends_an_attempt(parts: Split, settings: Settings, file: Path) -> None:
    wild = settings(epochs=30, patience=1, learning_rate=1)
    attempt, _ = Growth(wild, parts, file).run()
    assert len(attempt.history) < 30
    assert len(attempt.history) == attempt.history.best + 2


def test_it_learns(parts: Split, settings: Settings, file: Path) -> None:
    attempt, _ = Growth(settings(), parts, file).run()
    assert attempt.history.best_metrics["val_accuracy"] > 0.9


def test_the_network_grows_until_it_fails(
    parts: Split, settings: Settings, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # From labels that are all alike no network learns the classes.
    alike = replace(parts.train, labels=np.zeros_like(parts.train.labels))
    hopeless = replace(parts, train=alike)
    demanding = settings(epochs=1, max_blocks=2, min_accuracy=0.9)
    with (
        caplog.at_level(logging.INFO),
        pytest.raises(TooInaccurate, match="with up to 2 convolution blocks"),
    ):
        Growth(demanding, hopeless, file).run()
    assert "attempt 2, epoch 1" in caplog.text
    last = checkpoint.read(file)
    assert last is not None
    assert len(last.reached) == 1
    assert len(last.best) == len(build(3, 2).get_weights())


def test_a_larger_network_can_succeed(parts: Split, settings: Settings, file: Path) -> None:
    growth = Growth(settings(max_blocks=2, min_accuracy=0.9), parts, file)
    checkpoint.write(failed_attempt(parts, settings()), file)
    attempt, network = growth.run()
    assert attempt.number == 1
    assert len(network.get_weights()) == len(build(3, 2).get_weights())


def failed_attempt(parts: Split, settings: TrainSettings) -> Checkpoint:
    """The checkpoint of a first attempt that used up its epochs in vain."""
    attempt = Attempt(0, build(3, settings.blocks), parts, settings)
    poor = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}
    for _ in range(settings.epochs):
        attempt.history = attempt.history.after(poor)
    attempt.best = attempt.network.get_weights()
    return attempt.checkpoint([])


def test_a_checkpoint_of_another_network_is_not_used(
    parts: Split, settings: Settings, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Attempt(0, build(3, 2), parts, settings())
    checkpoint.write(other.checkpoint([]), file)
    attempt, _ = Growth(settings(epochs=1), parts, file).run()
    assert len(attempt.history) == 1
    assert "begins anew" in caplog.text


def test_mixed_precision_resumes_and_ends_in_float32(
    parts: Split, settings: Settings, file: Path
) -> None:
    Growth(settings(epochs=1), parts, file, policy="mixed_float16").run()
    attempt, network = Growth(settings(epochs=2), parts, file, policy="mixed_float16").run()
    assert len(attempt.history) == 2
    assert attempt.network.layers[1].dtype_policy.name == "mixed_float16"
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}
    assert same(network.get_weights(), attempt.best)

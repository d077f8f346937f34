"""The card tells where a model comes from, and holds an answer that the file repeats."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from classifier import golden
from classifier.load import load
from images.dataset import Dataset
from images.folder import read
from images.split import split
from registry.card import Calibration, Card
from registry.document import decode, encode
from training import card
from training.confidence import Confidence
from training.history import History
from training.settings import TrainSettings

HISTORY = History({"val_loss": (0.5, 0.2, 0.3), "val_accuracy": (0.5, 0.9, 0.8)})
CONFIDENCE = Confidence(1.5, 0.3, Calibration(12, 0.2, 0.1, 0.75, 1.0, True))
Settings = Callable[..., TrainSettings]


@pytest.fixture(scope="module")
def dataset(colours: Path) -> Dataset:
    return read(colours)


@pytest.fixture
def made(make_model: Callable[..., Path], dataset: Dataset, settings: Settings) -> Card:
    return card.make(make_model(), HISTORY, dataset, split(dataset), settings(), CONFIDENCE)


def test_it_describes_the_run(made: Card, dataset: Dataset) -> None:
    assert made.classes == ("blue", "green", "red")
    assert made.metrics == {"val_loss": 0.2, "val_accuracy": 0.9, "best_epoch": 2}
    assert made.history == HISTORY.metrics
    assert made.arguments["epochs"] == 2
    assert made.arguments["threshold"] == "auto"
    assert (made.temperature, made.threshold) == (1.5, 0.3)
    assert made.calibration == CONFIDENCE.calibration
    assert made.data.fingerprint == dataset.fingerprint
    assert list(made.data.images) == ["train", "validation", "calibration", "held_out"]
    assert sum(made.data.images.values()) == sum(made.data.per_class.values()) == len(dataset)
    assert made.code_revision == "test"
    assert made.libraries["keras"].startswith("3.")


def test_it_names_images_in_several_classes(
    make_model: Callable[..., Path], dataset: Dataset, settings: Settings
) -> None:
    doubled = dataset.select(np.append(np.arange(len(dataset)), 0))
    doubled = replace(doubled, labels=np.append(dataset.labels, dataset.labels[0] + 1))
    made = card.make(make_model(), HISTORY, doubled, split(dataset), settings(), CONFIDENCE)
    assert made.data.ambiguous == (dataset.names[0],) * 2


def test_it_survives_being_stored(made: Card) -> None:
    assert decode(Card, encode(made), "card.json") == made


def test_its_golden_example_round_trips(made: Card, make_model: Callable[..., Path]) -> None:
    pixels = np.frombuffer(made.golden.pixels, np.uint8).reshape(made.input_shape)
    golden.check(load(make_model(), 3), pixels, made.golden.probabilities)


def test_its_golden_example_is_clear_but_not_certain(
    make_model: Callable[..., Path], dataset: Dataset
) -> None:
    model = make_model(seed=5)
    leads = sorted(lead(answer) for answer in load(model).predict(dataset.images))
    clear = [one for one in leads if one >= card.CLEAR_LEAD]
    chosen = lead(card.golden_example(model, dataset).probabilities)
    assert chosen == pytest.approx(clear[0] if clear else leads[-1], abs=1e-5)


def lead(answer: npt.ArrayLike) -> float:
    ordered = np.sort(np.asarray(answer))
    return float(ordered[-1] - ordered[-2])


def test_the_revision_is_gits(tmp_path: Path) -> None:
    assert card.revision(tmp_path) == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.com"]
    (tmp_path / "code.py").write_text("1")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "One"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert card.revision(tmp_path) == head.stdout.strip()
    (tmp_path / "code.py").write_text("2")
    assert card.revision(tmp_path) == f"{head.stdout.strip()}-dirty"


def test_without_git_the_revision_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert card.revision(tmp_path) == "unknown"

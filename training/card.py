"""The card of a trained model: what it is, what it came from, and an answer to repeat."""

import hashlib
import importlib.metadata
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from classifier import golden
from classifier.load import load
from images import SHAPE
from images.dataset import Dataset
from images.split import Split
from registry.card import Card, Data, Golden
from training.checks import ambiguous
from training.confidence import Confidence
from training.history import History
from training.settings import TrainSettings

# A lead on the second class that the differences between devices do not take away.
CLEAR_LEAD = 5 * golden.TOLERANCE


def make(
    model: Path,
    history: History,
    dataset: Dataset,
    parts: Split,
    settings: TrainSettings,
    confidence: Confidence,
) -> Card:
    """The card of the model file ``model``, trained as ``settings`` say on ``parts``."""
    return Card(
        version=hashlib.sha256(model.read_bytes()).hexdigest(),
        classes=dataset.classes,
        input_shape=SHAPE,
        input_dtype="uint8",
        threshold=confidence.threshold,
        arguments=settings.model_dump(),
        data=_data(dataset, parts),
        metrics=history.best_metrics | {"best_epoch": history.best + 1},
        history=dict(history.metrics),
        golden=golden_example(model, parts.validation),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code_revision=settings.code_revision or revision(Path(__file__).parent),
        libraries=_libraries(),
        temperature=confidence.temperature,
        calibration=confidence.calibration,
    )


def golden_example(model: Path, validation: Dataset) -> Golden:
    """A validation image, and what the saved file answers for it when it is loaded again.

    Of the images with a clear answer it is the one with the least clear: where the answer is
    certain, it stays the same in a model that has changed.
    """
    answers = load(model, len(validation.classes)).predict(validation.images)
    ordered = np.sort(answers, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    chosen = int(np.where(lead >= CLEAR_LEAD, lead, 2 - lead).argmin())
    return Golden.of(validation.images[chosen].tobytes(), tuple(answers[chosen].tolist()))


def revision(folder: Path) -> str:
    """Git's name for the code in ``folder``, ending in ``-dirty`` if that has changes."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError:  # no git here, as in an image
        return "unknown"
    return answer.stdout.strip() or "unknown"


def _data(dataset: Dataset, parts: Split) -> Data:
    return Data(
        source=dataset.source,
        fingerprint=dataset.fingerprint,
        images={part: len(images) for part, images in vars(parts).items()},
        per_class=dataset.per_class(),
        skipped=tuple(skipped.name for skipped in dataset.skipped),
        ambiguous=ambiguous(dataset),
    )


def _libraries() -> dict[str, str]:
    others = ("h5py", "numpy", "opencv-python-headless")
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        **{name: importlib.metadata.version(name) for name in others},
    }

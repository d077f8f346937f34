"""Attempts with ever larger networks, until one is accurate enough."""

import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import keras

from classifier.load import load_model
from images.split import Split
from training import checkpoint, network
from training.attempt import Attempt
from training.checkpoint import Checkpoint
from training.errors import TooInaccurate
from training.settings import TrainSettings

logger = logging.getLogger(__name__)

Builder: TypeAlias = Callable[[str], keras.Model]
"""From a dtype policy to a network."""


class Growth:
    """A run's attempts, resumed from the last checkpoint if there is one.

    Args:
        settings: the run's settings.
        data: the training and validation parts.
        checkpoints: the file that is kept up to date after every epoch.
        base: the model file that the first attempt goes on from; None for random weights.
        policy: the dtype policy to train in.
    """

    def __init__(
        self,
        settings: TrainSettings,
        data: Split,
        checkpoints: Path,
        base: Path | None = None,
        policy: str = "float32",
    ) -> None:
        self._settings = settings
        self._data = data
        self._checkpoints = checkpoints
        self._policy = policy
        self._builders = _builders(settings, len(data.train.classes), base)

    def run(self) -> tuple[Attempt, keras.Model]:
        """The first attempt that is accurate enough, and its best network, in float32.

        Raises:
            TooInaccurate: there is none.
        """
        saved = checkpoint.read(self._checkpoints)
        reached = list(saved.reached) if saved else []
        for number in range(len(reached), len(self._builders)):
            attempt = self._attempt(number, saved)
            self._train(attempt, reached)
            accuracy = attempt.history.best_metrics["val_accuracy"]
            if accuracy >= self._settings.min_accuracy:
                return attempt, self._finished(attempt)
            logger.warning("attempt %d reached %.4f validation accuracy", number + 1, accuracy)
            reached.append(accuracy)
            saved = None
        raise TooInaccurate(
            f"the validation accuracy reached {max(reached):.4f} at best, with up to "
            f"{self._settings.max_blocks} convolution blocks, and "
            f"{self._settings.min_accuracy} is required: give more images or epochs, or lower "
            "--min-accuracy (TRAIN_MIN_ACCURACY)"
        )

    def _attempt(self, number: int, saved: Checkpoint | None) -> Attempt:
        keras.utils.set_random_seed(self._settings.seed + number)
        attempt = Attempt(number, self._builders[number](self._policy), self._data, self._settings)
        if saved and attempt.fits(saved):
            attempt.restore(saved)
            logger.info("resuming attempt %d after epoch %d", number + 1, len(attempt.history))
        elif saved:
            logger.warning(
                "the interrupted run had another network: attempt %d begins anew", number + 1
            )
        return attempt

    def _train(self, attempt: Attempt, reached: list[float]) -> None:
        while not attempt.is_over:
            attempt.run_epoch()
            checkpoint.write(attempt.checkpoint(reached), self._checkpoints)
            _log_epoch(attempt)

    def _finished(self, attempt: Attempt) -> keras.Model:
        """The attempt's best network as it is to be used on any device."""
        finished = self._builders[attempt.number]("float32")
        finished.set_weights(attempt.best)
        return finished


def _log_epoch(attempt: Attempt) -> None:
    """Say what the progress bar on a terminal would have said."""
    if sys.stdout.isatty():
        return
    last = {name: values[-1] for name, values in attempt.history.metrics.items()}
    shown = ", ".join(f"{name} {value:.4f}" for name, value in last.items())
    logger.info("attempt %d, epoch %d: %s", attempt.number + 1, len(attempt.history), shown)


def _builders(settings: TrainSettings, classes: int, base: Path | None) -> list[Builder]:
    """What each attempt starts from, in order."""
    sizes = range(settings.blocks, settings.max_blocks + 1)
    grown: list[Builder] = [partial(network.build, classes, blocks) for blocks in sizes]
    # A model in production has its own architecture, and is trained in its own precision.
    return grown if base is None else [lambda policy: load_model(base, classes), *grown]

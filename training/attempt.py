"""One attempt at training a network, an epoch at a time."""

import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from images.split import Split
from training.checkpoint import Arrays, Checkpoint
from training.history import History
from training.pipeline import Pipeline
from training.settings import TrainSettings

WARM_UP_EPOCHS = 1
VALIDATION_BATCH = 256


class Attempt:
    """A network on its way.

    Attributes:
        number: 0 for the first attempt of the run.
        network: the network, with the weights of the last epoch.
        history: the epochs so far.
        best: the weights after the best epoch.
    """

    def __init__(
        self, number: int, network: keras.Model, data: Split, settings: TrainSettings
    ) -> None:
        self.number = number
        self.network = network
        self.history = History()
        self.best: Arrays = ()
        self._settings = settings
        self._validation = data.validation
        self._batches = Pipeline(data.train, settings)
        self._optimizer = _optimizer(network, settings, self._batches.steps)
        network.compile(
            self._optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"]
        )

    @property
    def is_over(self) -> bool:
        """Whether more epochs are unlikely to help, or not allowed."""
        return self.history.is_over(self._settings.epochs, self._settings.patience)

    def run_epoch(self) -> None:
        """Train for one epoch, validate, and keep the weights if they are the best so far."""
        epoch = len(self.history)
        on_terminal = sys.stdout.isatty()
        if on_terminal:
            sys.stdout.write(
                f"attempt {self.number + 1}, epoch {epoch + 1}/{self._settings.epochs}\n"
            )
        result = self.network.fit(
            self._batches.epoch(self.number, epoch),
            epochs=1,  # for Keras, which else prints a heading that counts them wrongly
            validation_data=(self._validation.images, self._validation.labels),
            validation_batch_size=VALIDATION_BATCH,
            shuffle=False,  # the batches are shuffled already
            verbose=1 if on_terminal else 0,  # 1 is Keras' progress bar
        )
        metrics = {name: float(values[0]) for name, values in result.history.items()}
        self.history = self.history.after(metrics)
        if self.history.best == epoch:
            self.best = self.network.get_weights()

    def checkpoint(self, reached: Sequence[float]) -> Checkpoint:
        """What :meth:`restore` needs, after attempts that ``reached`` these accuracies."""
        values = [np.asarray(variable.value) for variable in self._variables]
        return Checkpoint(tuple(reached), self.history, values, self.best)

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Whether ``checkpoint`` is of a network like this one; other code can make others."""
        shapes = [tuple(variable.shape) for variable in self._variables]
        return shapes == [value.shape for value in checkpoint.variables]

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on where ``checkpoint`` was made, which must fit."""
        for variable, value in zip(self._variables, checkpoint.variables, strict=True):
            variable.assign(value)
        self.history = checkpoint.history
        self.best = checkpoint.best

    @property
    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self._optimizer.variables]


def _optimizer(network: keras.Model, settings: TrainSettings, steps: int) -> Any:
    """Adam, its learning rate warmed up and then decayed along a cosine (arXiv:1608.03983)."""
    warm_up = WARM_UP_EPOCHS * steps
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10,
        decay_steps=max(settings.epochs * steps - warm_up, 1),
        alpha=0.01,
        warmup_target=settings.learning_rate,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.Adam(schedule)
    if any(layer.dtype_policy.name == "mixed_float16" for layer in network.layers):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer

"""The batches of an epoch: shuffled, augmented, and the same whenever the epoch is run again."""

import math

import numpy as np
import tensorflow as tf

from images.dataset import Dataset
from training.augment import augment
from training.settings import TrainSettings

# Fewer steps than this teach little, and leave batch normalisation's averages unsettled: a small
# data set is gone through several times in an epoch, augmented differently each time.
FEWEST_STEPS = 20


class Pipeline:
    """The training part as a source of batches.

    Attributes:
        steps: batches in an epoch.
    """

    def __init__(self, part: Dataset, settings: TrainSettings) -> None:
        self._settings = settings
        self._rounds = math.ceil(FEWEST_STEPS * settings.batch_size / len(part))
        self.steps = self._rounds * len(part) // settings.batch_size
        with tf.device("CPU"):  # where batches are made; only they go to a GPU
            self._images = tf.constant(part.images)
            self._labels = tf.constant(part.labels)

    def epoch(self, attempt: int, epoch: int) -> tf.data.Dataset:
        """The batches of one epoch: uint8[N, 128, 128, 3] and int64[N]."""
        seed = [self._settings.seed, attempt, epoch]
        generator = np.random.default_rng(seed)
        rounds = [generator.permutation(len(self._labels)) for _ in range(self._rounds)]
        first = int(generator.integers(2**62))

        def batch(number: tf.Tensor, chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            images = tf.gather(self._images, chosen)
            seeds = tf.stack([first, number])
            return augment(images, seeds, self._settings), tf.gather(self._labels, chosen)

        # A last batch of one or two images would upset batch normalisation.
        return (
            tf.data.Dataset.from_tensor_slices(np.concatenate(rounds))
            .batch(self._settings.batch_size, drop_remainder=True)
            .enumerate()
            .map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(2)
        )

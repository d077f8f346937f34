"""Explaining a Keras model by its gradients, integrated.

M. Sundararajan, A. Taly and Q. Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017,
https://arxiv.org/abs/1703.01365: the gradient of the class's probability, averaged on the straight
way from a baseline that shows nothing to the image, times the difference of the two. At the image
itself the gradient of a model that is sure is next to nothing.

The baseline is the image's mean colour. Black, which is usual, would be blind to what is black.
"""

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from classifier.explanation import Check, cells
from classifier.runtime import INPUT_SHAPE

STEPS = 32
PER_CALL = 8  # images, so that whoever else calls the model meanwhile waits for few


class IntegratedGradients:
    """Explains the answers of one model, to many threads at once.

    Args:
        model: takes uint8[N, 128, 128, 3] and answers [N, classes].
    """

    def __init__(self, model: keras.Model) -> None:
        # Pixels of integers have no gradient: the same layers, with the same weights, on others.
        self._model = keras.models.clone_model(
            model,
            input_tensors=keras.Input(INPUT_SHAPE, dtype="float32"),
            clone_function=lambda layer: layer,
        )
        self._gradients = tf.function(
            self._differentiate,
            input_signature=[
                tf.TensorSpec((None, *INPUT_SHAPE), tf.float32),
                tf.TensorSpec((), tf.int32),
            ],
            autograph=False,
        ).get_concrete_function()

    def evidence(
        self, image: npt.NDArray[np.uint8], index: int, check: Check
    ) -> npt.NDArray[np.float32]:
        """How much each cell of an image speaks for a class, float32[16, 16].

        Args:
            image: uint8[128, 128, 3].
            index: the number of the class.
            check: called before each call of the model.
        """
        baseline = image.mean((0, 1), dtype=np.float32)
        difference = image - baseline
        along = (np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS
        total = np.zeros(image.shape, np.float32)
        for part in along.reshape(-1, PER_CALL):
            check()
            way = baseline + part[:, np.newaxis, np.newaxis, np.newaxis] * difference
            total += self._gradients(tf.constant(way), tf.constant(index)).numpy()
        return cells((total * difference).sum(2))

    def _differentiate(self, images: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """The gradients of a class's probability, summed over images, float32[128, 128, 3]."""
        with tf.GradientTape() as tape:
            tape.watch(images)
            probability = tf.cast(self._model(images, training=False)[:, index], tf.float32)
        return tf.reduce_sum(tape.gradient(probability, images), 0)

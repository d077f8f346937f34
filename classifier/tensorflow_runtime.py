"""Running a Keras model with TensorFlow, on a GPU where there is one."""

import functools

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from classifier.explanation import Check, Explanation, scaled, unchecked
from classifier.integrated_gradients import IntegratedGradients
from classifier.runtime import INPUT_SHAPE, Classifier


@functools.cache
def prepare_devices() -> tuple[str, ...]:
    """Let GPU memory grow with need instead of taking all of it, and name the GPUs.

    Without this, the first process on a GPU leaves no memory to the others. It must run before
    the first computation.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return tuple(gpu.name.removeprefix("/physical_device:") for gpu in gpus)


class TensorFlowClassifier(Classifier):
    """A Keras model as a compiled graph."""

    runtime = "tensorflow"

    def __init__(self, model: keras.Model) -> None:
        """``model`` takes uint8[N, 128, 128, 3] and answers [N, classes]."""
        super().__init__(model.outputs[0].shape[-1], next(iter(prepare_devices()), "CPU"))
        # A compiled function keeps no variables alive by itself: the model must be kept.
        self._model = keras.Model(model.inputs[0], model.outputs[0])
        self._graph = tf.function(
            lambda images: tf.cast(self._model(images, training=False), tf.float32),
            input_signature=[tf.TensorSpec((None, *INPUT_SHAPE), tf.uint8)],
            autograph=False,  # the graph of a Keras model has no Python left to rewrite
        ).get_concrete_function()

    def explain(
        self, image: npt.NDArray[np.uint8], index: int, check: Check = unchecked
    ) -> Explanation:
        """Where in an image the model sees a class, by its gradients; the same each time."""
        evidence = self._gradients.evidence(image, index, check)
        return Explanation("gradient", index, scaled(evidence))

    @functools.cached_property
    def _gradients(self) -> IntegratedGradients:
        """Made when the first explanation is asked for, as it takes a second."""
        return IntegratedGradients(self._model)

    def _answer(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        answers: npt.NDArray[np.float32] = self._graph(tf.constant(images)).numpy()
        return answers

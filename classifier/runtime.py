"""Running a model: a compiled call that threads may share."""

import functools

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from classifier.errors import WrongInput

INPUT_SHAPE = (128, 128, 3)
CHUNK = 256  # images per call, so that activations of a large array fit into memory


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


class Classifier:
    """A loaded model, ready to answer from any thread.

    Attributes:
        classes: the number of outputs.
        device: what it runs on, as ``CPU`` or ``GPU:0``.
    """

    def __init__(self, model: keras.Model) -> None:
        """``model`` takes uint8[N, 128, 128, 3] and answers [N, classes]."""
        self.device = next(iter(prepare_devices()), "CPU")
        self.classes: int = model.outputs[0].shape[-1]
        # A compiled function keeps no variables alive by itself: the model must be kept.
        self._model = keras.Model(model.inputs[0], model.outputs[0])
        self._answer = tf.function(
            lambda images: tf.cast(self._model(images, training=False), tf.float32),
            input_signature=[tf.TensorSpec((None, *INPUT_SHAPE), tf.uint8)],
            autograph=False,  # the graph of a Keras model has no Python left to rewrite
        ).get_concrete_function()

    def predict(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """The probabilities of each class, float32[N, classes], for uint8[N, 128, 128, 3].

        Raises:
            WrongInput: ``images`` has another shape or dtype.
        """
        if images.dtype != np.uint8 or images.shape[1:] != INPUT_SHAPE:
            raise WrongInput(
                f"a classifier takes uint8 images of shape (N, 128, 128, 3), "
                f"not {images.dtype} of shape {images.shape}"
            )
        answers = np.empty((len(images), self.classes), np.float32)
        for start in range(0, len(images), CHUNK):
            chunk = slice(start, start + CHUNK)
            answers[chunk] = self._answer(tf.constant(images[chunk])).numpy()
        return answers

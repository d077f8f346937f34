"""Loading a model file, or saying in a sentence why not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from classifier.errors import UnreadableModel, WrongShape
from classifier.inspect import inspected
from classifier.runtime import INPUT_SHAPE, Classifier
from classifier.tensorflow_runtime import TensorFlowClassifier, prepare_devices

LONGEST_REASON = 200  # characters; Keras likes to quote a whole model's configuration


def load(path: Path, classes: int | None = None) -> Classifier:
    """The model in ``path``, ready to run.

    Args:
        path: an HDF5 file as Keras writes it, named ``*.hdf5`` or ``*.h5``.
        classes: how many outputs it must have, if that is known.

    Raises:
        UnreadableModel: the file is no model, is damaged, or needs code of its own to load.
        WrongShape: the model takes or answers something else than images and probabilities.
    """
    model = load_model(path, classes)
    with _unreadable(path):
        return TensorFlowClassifier(model)


def load_model(path: Path, classes: int | None = None) -> keras.Model:
    """The uncompiled Keras model in ``path``; arguments and errors are those of :func:`load`."""
    if not path.is_file():
        raise UnreadableModel(f"{path} is not a file")
    if path.suffix not in {".hdf5", ".h5"}:
        raise UnreadableModel(f"{path} must be named *.hdf5, as Keras tells formats by the name")
    prepare_devices()  # before weights are put onto one
    with inspected(path) as copy, _unreadable(path):
        model = keras.saving.load_model(copy, compile=False, safe_mode=True)
    _check_input(path, model)
    _check_output(path, model, classes)
    return model


@contextmanager
def _unreadable(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever the damage leads to, deep inside Keras and h5py
        raise UnreadableModel(f"{path} is not a loadable Keras model: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    first_line = str(error).strip().partition("\n")[0]
    if len(first_line) > LONGEST_REASON:
        first_line = first_line[:LONGEST_REASON] + "..."
    return first_line or type(error).__name__


def _check_input(path: Path, model: keras.Model) -> None:
    inputs = getattr(model, "inputs", None) or []
    found = ", ".join(f"{tensor.dtype} {tuple(tensor.shape)}" for tensor in inputs)
    if len(inputs) != 1 or found != f"uint8 {(None, *INPUT_SHAPE)}":
        raise WrongShape(
            f"{path} must take one input, uint8 {(None, *INPUT_SHAPE)}, not {found or 'none'}"
        )


def _check_output(path: Path, model: keras.Model, classes: int | None) -> None:
    found = ", ".join(str(tuple(tensor.shape)) for tensor in model.outputs)
    shape = tuple(model.outputs[0].shape)
    right = len(model.outputs) == 1 and len(shape) == 2 and (shape[1] or 0) >= 2
    if not right or shape[1] != (classes or shape[1]):
        wanted = classes or "2 or more classes"
        raise WrongShape(f"{path} must have one output, (None, {wanted}), not {found}")

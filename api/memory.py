"""What a process does about its memory when models come and go."""

import ctypes
import functools
import gc

from classifier.runtime import Runtime

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; musl has none


@functools.cache
def pass_over_libraries() -> None:
    """Let the garbage collector leave alone what is there now, for good; once, before any model.

    With TensorFlow that is 400,000 objects, and a collection would stop every thread for the third
    of a second that it takes to look at them.
    """
    gc.freeze()


def give_back(gone: Runtime | None) -> None:
    """Return what the last model left, if there was one, and the batches that warmed the next.

    It stays in malloc's arenas otherwise, a little more with each model. A Keras model is full of
    cycles, and a GPU's memory is worth the pause; one of ONNX Runtime goes with its last reference.

    Args:
        gone: what ran the model to which no reference is left.
    """
    if gone == "tensorflow":
        gc.collect()
    if _trim is not None:
        _trim(0)

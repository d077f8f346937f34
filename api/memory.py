"""What a process does about its memory when models come and go."""

import ctypes
import gc

from classifier.runtime import Runtime

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; musl has none


_passed_over: set[Runtime] = set()


def pass_over_libraries(runtime: Runtime) -> None:
    """Let the garbage collector leave alone what is there before the first model of a runtime.

    With ONNX Runtime that is 80,000 objects, and with TensorFlow 400,000: a collection would stop
    every thread for 50 milliseconds, or a third of a second, to look at them. It leaves them alone
    for good, and so a Keras model, which only a collection frees, must not be among them.
    """
    if runtime not in _passed_over and "tensorflow" not in _passed_over:
        gc.freeze()
    _passed_over.add(runtime)


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

"""Running a variant of a model with ONNX Runtime, on the processor and without TensorFlow.

An ONNX file can harm like any other model, and ONNX Runtime has no safe mode. So only bytes that
the gate has signed come here, and they are loaded with nothing beside them: from memory, without
libraries of further operators, and ONNX Runtime itself refuses weights in other files.
"""

import timeit

import numpy as np
import numpy.typing as npt
import onnxruntime

from classifier.cores import cores
from classifier.errors import HostileModel, UnreadableModel, WrongShape
from classifier.external_data import require_none
from classifier.runtime import INPUT_SHAPE, Classifier, Precision

LARGEST = 1 << 30  # bytes, as of a Keras file
SMALL = 1 << 22  # bytes, over which a model is never trivial
# Seconds for an image on one core, about what HTTP takes for it: threads for every core would only
# get in the way of that, where a model takes less.
TRIVIAL = 0.00025
TIMES = 5
ONLY_FATAL = 4  # what else goes wrong is raised


class ONNXClassifier(Classifier):
    """An ONNX model in a session, which takes calls from any thread."""

    runtime = "onnx"

    def __init__(self, session: onnxruntime.InferenceSession, precision: Precision) -> None:
        """``session`` takes uint8[N, 128, 128, 3] and answers float32[N, classes]."""
        super().__init__(session.get_outputs()[0].shape[1], "CPU", precision)
        self._session = session
        self._input = session.get_inputs()[0].name

    def _answer(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        answers: npt.NDArray[np.float32] = self._session.run(None, {self._input: images})[0]
        return answers


def load(content: bytes, precision: Precision, classes: int) -> ONNXClassifier:
    """The variant of a model in ``content``, ready to run.

    Args:
        content: a whole ONNX file, which somebody trustworthy vouches for.
        precision: what it mostly computes with.
        classes: how many outputs it must have.

    Raises:
        HostileModel: it is too large, or keeps weights in other files.
        UnreadableModel: it is no ONNX model, or holds what this version cannot run.
        WrongShape: it takes or answers something else than images and probabilities.
    """
    if len(content) > LARGEST:
        raise HostileModel(f"the ONNX file has {len(content)} bytes, more than {LARGEST}")
    require_none(content)
    if len(content) <= SMALL:
        classifier = _open(content, precision, classes, 1)
        if cores() == 1 or _seconds(classifier) <= TRIVIAL:
            return classifier
    return _open(content, precision, classes, cores())


def _open(content: bytes, precision: Precision, classes: int, threads: int) -> ONNXClassifier:
    try:
        session = onnxruntime.InferenceSession(content, _options(threads), ["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        reason = str(error).strip().partition("\n")[0][:200]
        raise UnreadableModel(f"this is not a loadable ONNX model: {reason}") from error
    _require_shapes(session, classes)
    return ONNXClassifier(session, precision)


def _seconds(classifier: ONNXClassifier) -> float:
    """How long it takes for an image, at its best of a few times."""
    image = np.zeros((1, *INPUT_SHAPE), np.uint8)
    return min(timeit.repeat(lambda: classifier.predict(image), number=1, repeat=TIMES))


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ONLY_FATAL
    # Threads that spin between two calls take the cores from those that speak HTTP.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _require_shapes(session: onnxruntime.InferenceSession, classes: int) -> None:
    inputs = [(each.type, each.shape[1:]) for each in session.get_inputs()]
    outputs = [(each.type, each.shape[1:]) for each in session.get_outputs()]
    if inputs != [("tensor(uint8)", list(INPUT_SHAPE))]:
        raise WrongShape(f"the ONNX model must take one input, uint8 {INPUT_SHAPE}, not {inputs}")
    if outputs != [("tensor(float)", [classes])]:
        raise WrongShape(f"the ONNX model must have one output, ({classes},), not {outputs}")

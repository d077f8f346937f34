"""Which of a model's forms serves: the Keras file with TensorFlow, or a variant of the gate's.

Every variant on offer has passed the gate, so what is left to decide is speed. That depends on this
processor, as int8 is fast only with instructions for it: so it is measured here, at each load.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from alerts.alert import Alert
from alerts.sender import AlertSender
from api.errors import NoVariant
from api.loading import load_checked, load_variant, warm
from api.settings import ModelSettings
from api.source import Obtained
from classifier.runtime import Classifier, has_tensorflow
from images import SHAPE
from process.errors import Failure

logger = logging.getLogger(__name__)

ROUNDS = 5
PATIENCE = 0.05  # seconds after which no further round begins
BATCH = 4  # images; one alone and so many together tell both ends of a service's load
WORTHWHILE = 0.8  # int8 has to take less than this part of float32's time
DEVICES = Path("/dev")


class Selection:
    """Loads versions in the form that the settings ask for.

    Args:
        settings: the runtime and the precision wanted.
        batch_sizes: what to warm a model for.
        alerts: who is told of a variant that cannot serve.
    """

    def __init__(
        self, settings: ModelSettings, batch_sizes: Sequence[int], alerts: AlertSender
    ) -> None:
        self._settings = settings
        self._batch_sizes = batch_sizes
        self._alerts = alerts
        self._has_tensorflow = has_tensorflow()
        if settings.runtime == "auto" and not self._has_tensorflow:
            logger.warning(
                "TensorFlow is not installed here: the gate's variants alone can serve, and where "
                "none can, the model itself cannot either"
            )

    def load(self, obtained: Obtained) -> Classifier:
        """The fastest form that may and can serve, checked and warm.

        Raises:
            NoVariant: only a variant will do, and none can serve.
            ClassifierError, ImagesError: as :func:`api.loading.load_checked`.
        """
        card = obtained.card
        if self._settings.runtime == "onnx" or not self._has_tensorflow:
            return self._fastest_variant(obtained) or self._refuse(card.version[:12])
        path = obtained.model()  # at once, as the registry may be away when it is needed
        if self._settings.runtime == "auto" and not self._on_gpu():
            if chosen := self._fastest_variant(obtained):
                return chosen
            logger.info("no variant of %s can serve: TensorFlow does", card.version[:12])
        return load_checked(path, card, self._batch_sizes)

    def _fastest_variant(self, obtained: Obtained) -> Classifier | None:
        """The fastest of those that can serve, warm; None if none can."""
        ready = list(self._ready(obtained))
        if not ready:
            return None
        chosen = fastest(ready)
        warm(chosen, [max(self._batch_sizes)])  # it takes memory for that, and learns of no other
        return chosen

    def _refuse(self, version: str) -> NoReturn:
        """Say what to do where TensorFlow may not, or cannot, serve instead of a variant."""
        if self._has_tensorflow:
            why, instead = "MODEL_RUNTIME=onnx", "set MODEL_RUNTIME=auto"
        else:
            why, instead = "TensorFlow is not installed here", "take the image classifier-api"
        raise NoVariant(
            f"{why}, and no variant of {version} with MODEL_PRECISION={self._settings.precision} "
            f"can serve: train again and run the gate with GATE_VARIANTS=true, or {instead}"
        )

    def _on_gpu(self) -> bool:
        """Whether TensorFlow has a GPU to run on, which is faster than any variant."""
        if self._settings.precision == "int8" or not may_have_gpu(DEVICES):
            return False
        from classifier.tensorflow_runtime import prepare_devices

        return bool(prepare_devices())

    def _ready(self, obtained: Obtained) -> Iterator[Classifier]:
        """Every variant of the wanted precision that loads, and answers the golden image."""
        for variant in obtained.variants:
            if self._settings.precision not in ("auto", variant.precision):
                continue
            try:
                yield load_variant(obtained.read(variant), variant, obtained.card)
            except Exception as error:  # whatever it is, the model itself can serve
                self._report(obtained.card.version, variant.precision, error)

    def _report(self, version: str, precision: str, error: Exception) -> None:
        why = str(error)
        if not isinstance(error, Failure | OSError):
            why = f"an unexpected {type(error).__name__}, which the log explains"
            logger.error("the %s variant of %s", precision, version[:12], exc_info=error)
        subject = f"the {precision} variant of {version[:12]} is not used"
        body = f"{why}.\n\nAnother form of this version serves, if one can."
        self._alerts.send(Alert(f"{subject}: {type(error).__name__}", subject, body))


def fastest(
    classifiers: Sequence[Classifier], clock: Callable[[], float] = time.perf_counter
) -> Classifier:
    """The one with the least time for an image; int8 only where that is worth its rounding.

    They take turns, so that what else the machine does meets all of them alike. As that can only
    add to a time, the least of each counts.

    Args:
        classifiers: one or more.
        clock: seconds.
    """
    if len(classifiers) == 1:
        return classifiers[0]
    times: list[list[float]] = [[] for _ in classifiers]
    for classifier in classifiers:
        _seconds(classifier, clock)  # the first calls make room
    began = clock()
    while len(times[0]) < ROUNDS and (not times[0] or clock() - began < PATIENCE):
        for classifier, taken in zip(classifiers, times, strict=True):
            taken.append(_seconds(classifier, clock))
    costs = [
        min(taken) / (WORTHWHILE if classifier.precision == "int8" else 1)
        for classifier, taken in zip(classifiers, times, strict=True)
    ]
    return classifiers[costs.index(min(costs))]


def may_have_gpu(devices: Path) -> bool:
    """Whether it is worth importing TensorFlow to see if there is a GPU that it can use."""
    return any(devices.glob("nvidia[0-9]*")) or (devices / "dxg").exists()  # the latter in WSL


def _seconds(classifier: Classifier, clock: Callable[[], float]) -> float:
    """The time of one image alone, and of one among others."""
    began = clock()
    classifier.predict(np.zeros((1, *SHAPE), np.uint8))
    alone = clock()
    classifier.predict(np.zeros((BATCH, *SHAPE), np.uint8))
    return alone - began + (clock() - alone) / BATCH

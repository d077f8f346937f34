"""What a model must do whatever it was trained on: each check asks it, and says what it found."""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from classifier.golden import TOLERANCE
from classifier.runtime import Classifier
from images import SHAPE, Images
from registry.card import Card
from registry.verdict import Check
from testing.scoring import Probabilities

SEED = 20_030_104
NOISE = 16  # images of random pixels
SAMPLE = 32  # held-out images that are asked more than once
TIMED = 31  # an odd number has a median that was measured
REPEATABLE = 1e-4  # GPUs add in another order from one call to the next
SUM = 1e-2  # half precision has three decimals, and there may be hundreds of classes


def extremes() -> Images:
    """One image of every byte value, and some of noise: uint8[272, 128, 128, 3]."""
    constant = np.arange(256, dtype=np.uint8).reshape(-1, 1, 1, 1)
    noise = np.random.default_rng(SEED).integers(0, 256, (NOISE, *SHAPE), dtype=np.uint8)
    return np.concatenate([np.broadcast_to(constant, (256, *SHAPE)), noise])


def sample(images: Images) -> Images:
    """Up to :data:`SAMPLE` images from all over ``images``, which are sorted by class."""
    picked = np.linspace(0, len(images) - 1, min(SAMPLE, len(images))).astype(int)
    sampled: Images = images[picked]
    return sampled


def card(card: Card, version: str) -> Check:
    """The card must be this version's, and describe the images that the service decodes."""
    faults = []
    if card.version != version:
        faults.append(f"it is the card of version {card.version[:12]}")
    if card.input_shape != SHAPE or card.input_dtype != "uint8":
        faults.append(f"it says {card.input_dtype}{list(card.input_shape)} for an image")
    if len(card.golden.probabilities) != len(card.classes):
        faults.append("its golden example has another number of classes than it names")
    sentence = "the card fits the version and its images"
    if faults:
        sentence = f"the card of version {version[:12]} is wrong: {'; '.join(faults)}"
    return Check("card", not faults, sentence)


def size(size: int, most: float) -> Check:
    """The file of ``size`` bytes may have ``most`` MiB."""
    return Check(
        "size",
        size <= most * 2**20,
        f"the file has {size / 2**20:.2f} MiB; up to {most:g} are allowed (GATE_MAX_SIZE)",
    )


def probabilities(answers: Probabilities, asked: str) -> Check:
    """Every row must be finite, within 0 and 1, and add up to 1."""
    good = np.isfinite(answers).all(axis=1)
    good &= ((answers >= 0) & (answers <= 1)).all(axis=1)
    good &= np.abs(answers.sum(axis=1) - 1) <= SUM
    wrong = len(answers) - int(good.sum())
    sentence = f"finite probabilities that add up to 1 for {len(answers)} {asked}"
    if wrong:
        sentence = f"{wrong} of {len(answers)} {asked} get no finite probabilities that add up to 1"
    return Check("probabilities", not wrong, sentence)


def repeatable(classifier: Classifier, images: Images) -> Check:
    """The same images asked again must be answered the same."""
    apart = _apart(classifier.predict(images), classifier.predict(images))
    return Check(
        "repeatable",
        apart <= REPEATABLE,
        f"{len(images)} images asked twice: answers differ by {apart:.1g}; "
        f"up to {REPEATABLE:g} is allowed",
    )


def independent(classifier: Classifier, images: Images) -> Check:
    """An image must be answered alone as among others: the service batches requests."""
    alone = [classifier.predict(images[i : i + 1]) for i in range(len(images))]
    apart = _apart(np.concatenate(alone), classifier.predict(images))
    return Check(
        "independent",
        apart <= TOLERANCE,
        f"{len(images)} images asked alone and together: answers differ by {apart:.1g}; "
        f"up to {TOLERANCE:g} is allowed",
    )


def measure(
    classifier: Classifier, image: Images, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The median milliseconds of asking for one image, uint8[1, 128, 128, 3], once warm."""
    return 1000 * median_seconds(lambda: classifier.predict(image), TIMED, clock)


def median_seconds(
    ask: Callable[[], object], times: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The median time of so many calls, after one that warms up."""
    ask()
    taken = []
    for _ in range(times):
        began = clock()
        ask()
        taken.append(clock() - began)
    return float(np.median(taken))


def latency(milliseconds: float, most: float) -> Check:
    """One image may take ``most`` milliseconds."""
    return Check(
        "latency",
        milliseconds <= most,
        f"one image takes {milliseconds:.1f} ms; up to {most:g} are allowed (GATE_MAX_LATENCY)",
    )


def _apart(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    return float(np.abs(a - b).max())

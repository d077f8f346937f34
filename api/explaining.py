"""Explaining the answers of the model, beside the batcher.

An explanation calls the model dozens of times. These calls do not wait in line with the images of
other callers: they are small, go straight to the model, and have pauses between them; and few
requests make them at once.
"""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api.answers import Explanation
from api.errors import CallerGone, Crowded, Overdue, TooLarge
from classifier.explanation import Check
from classifier.runtime import Classifier
from images import Images

MAX_EXPLAINED = 8  # images of one request
REST = 3  # times what was worked, or else requests of a millisecond take ten meanwhile
LONGEST_REST = 0.03  # seconds; where the model itself is slow, others get in while it runs


class Turns:
    """Lets few requests explain at once.

    Args:
        most: how many.
    """

    def __init__(self, most: int = 1) -> None:
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Whoever explains does so within this.

        Raises:
            Crowded: as many do so already as may.
        """
        if not self._free.acquire(blocking=False):
            raise Crowded("other answers are being explained: ask again, or without explain=1")
        try:
            yield
        finally:
            self._free.release()


def explain(classifier: Classifier, image: Images, index: int, check: Check) -> Explanation:
    """What in an image, uint8[128, 128, 3], speaks for a class.

    Args:
        classifier: the model that answered with this class.
        image: what it answered.
        index: the number of the class.
        check: called every few milliseconds; what it raises ends the explanation.
    """
    from images.encode import png  # OpenCV, which few callers need
    from images.overlay import overlay

    found = classifier.explain(image, index, check)
    picture = png(overlay(image, found.heat))
    return Explanation.model_validate(
        {
            "method": found.method,
            "class": found.index,
            "heat": found.heat.tolist(),
            "overlay": base64.b64encode(picture).decode(),
        }
    )


def check_count(images: int) -> None:
    """Refuse more images than are explained in one request.

    Raises:
        TooLarge: as the name says.
    """
    if images > MAX_EXPLAINED:
        raise TooLarge(f"these are {images} images: send at most {MAX_EXPLAINED} with explain=1")


def within(
    timeout: float,
    gone: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Check:
    """What is to be called between pieces of work, so that others get to theirs.

    It rests in proportion to what was worked since the last call, and raises a refusal once nobody
    waits any longer.

    Args:
        timeout: seconds that all of it may take.
        gone: whether the caller has gone.
        clock: tells seconds.
        sleep: waits for seconds.
    """
    deadline = clock() + timeout
    resumed = clock()

    def check() -> None:
        nonlocal resumed
        if gone():
            raise CallerGone("the caller has closed the connection")
        if clock() >= deadline:
            raise Overdue(f"the answers could not be explained within {timeout:g} s")
        sleep(min(REST * (clock() - resumed), LONGEST_REST))
        resumed = clock()

    return check

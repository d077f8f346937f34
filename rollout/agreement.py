"""How often the canary and production say the same of an image."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import requests

from images.raw import Images
from images.source import load
from rollout.proportions import Share


def agreement(sides: Sequence[str], images: Images, timeout: float) -> Share:
    """Ask every side about every image, and count those of which all say the same class.

    Args:
        sides: the pods' URLs.
        images: uint8[N, 128, 128, 3].
        timeout: seconds for one answer.

    Raises:
        requests.RequestException: a side does not answer.
    """
    answers = [_classes(url, images, timeout) for url in sides]
    same = sum(all(a == b for a, b in pairwise(classes)) for classes in zip(*answers, strict=True))
    return Share(same, len(images))


def some_images(source: str, most: int) -> Images:
    """At most ``most`` images of a data set, spread evenly over it."""
    images = load(source).images
    chosen: Images = images[np.linspace(0, len(images) - 1, min(most, len(images))).astype(int)]
    return chosen


def _classes(url: str, images: Images, timeout: float) -> list[str]:
    """The classes' names, as an index means another class in another version."""
    with requests.Session() as session:
        info = session.get(f"{url}/info", timeout=timeout)
        info.raise_for_status()
        names = dict(enumerate(info.json()["data"]["classes"]))
        return [_class(session, url, image.tobytes(), names, timeout) for image in images]


def _class(
    session: requests.Session, url: str, image: bytes, names: dict[int, str], timeout: float
) -> str:
    answer = session.post(url, data=image, timeout=timeout)
    answer.raise_for_status()
    index = int(answer.json()["message"])
    return names.get(index, f"#{index}")

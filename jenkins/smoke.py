"""``python -m jenkins.smoke``: POST held-out images of known classes, compare the answers.

Exit codes: 0 the service answers as it should; 1 it does not; 2 called or configured wrong.
"""

import sys
from collections.abc import Iterator, Sequence

import numpy as np

from images.dataset import Dataset
from images.source import load
from images.split import split
from jenkins.client import Client
from jenkins.errors import BadAnswers, NoImages
from jenkins.settings import SmokeSettings
from process.command import run
from process.settings import parse

NAMED = 10  # wrong answers that the message lists


def main(argv: Sequence[str]) -> int:
    """Ask the service once for each image, and return 0 if enough of the answers are right."""
    settings = parse("jenkins.smoke", __doc__ or "", SmokeSettings, [], argv)
    images = few(split(load(settings.data)).held_out, settings.per_class)
    if not len(images):
        raise NoImages(f"no image in {settings.data} is held out: add images to SMOKE_DATA")
    client = Client(settings.url, settings.timeout)
    client.wait_until_ready(settings.ready_within)
    classes = require_version(client.info(), settings.version)
    wrong = list(mistakes(client, images, classes))
    right = len(images) - len(wrong)
    score = f"{right} of {len(images)} held-out images are answered with their class"
    if right < settings.min_accuracy * len(images):
        raise BadAnswers(
            f"only {score}, and {settings.min_accuracy:.0%} must be: {'; '.join(wrong[:NAMED])}"
        )
    sys.stdout.write(f"{settings.url}: {score}\n")
    return 0


def few(dataset: Dataset, per_class: int) -> Dataset:
    """The first images of each class."""
    labels = range(len(dataset.classes))
    first = [np.flatnonzero(dataset.labels == label)[:per_class] for label in labels]
    return dataset.select(np.concatenate(first))


def require_version(info: dict[str, object], version: str) -> list[str]:
    """The names of the classes that the service answers with, by index.

    Raises:
        BadAnswers: another version serves, or ``info`` is not what ``/info`` says.
    """
    served, classes = info.get("version"), info.get("classes")
    if version and served != version:
        raise BadAnswers(f"version {served} serves instead of {version}")
    if not isinstance(classes, list):
        raise BadAnswers(f"GET /info names no classes: {info}")
    return classes


def mistakes(client: Client, images: Dataset, classes: Sequence[str]) -> Iterator[str]:
    """POST every image, and say of each wrong answer what it should have been."""
    names = dict(enumerate(classes))
    for name, image, label in zip(images.names, images.images, images.labels, strict=True):
        truth, message = images.classes[label], client.classify(image.tobytes())
        answered = names.get(int(message)) if message.isdecimal() else message
        if answered != truth:
            yield f"{name} is {truth}, answered {message} ({answered})"


if __name__ == "__main__":
    sys.exit(run("jenkins.smoke", main))

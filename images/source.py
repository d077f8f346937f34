"""Where a data set comes from, by the name that a person gives."""

from pathlib import Path

from images import digits, folder
from images.dataset import Dataset


def load(source: str) -> Dataset:
    """Load ``digits``, the built-in data, or the folder of images of that path.

    Raises:
        NoImages: the folder cannot be read, or has fewer than two classes.
        EmptyClass: a class has no readable image.
    """
    return digits.load() if source == "digits" else folder.read(Path(source))

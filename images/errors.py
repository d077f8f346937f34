"""What can be wrong with an image or a data set.

ImagesError
├── UnreadableImage   the bytes are no whole image in a format that we read
├── WrongSize         the raw bytes are no whole number of images
└── DataError         the data set cannot be used as it is; a usage error
    ├── NoImages      the folder cannot be read, or has fewer than two classes
    └── EmptyClass    a class has no readable image
"""

from process.errors import Failure, UsageError


class ImagesError(Failure):
    """The base of every error of this package."""


class UnreadableImage(ImagesError):
    """The bytes are no whole image in a format that we read."""


class WrongSize(ImagesError):
    """The raw bytes are no whole number of images."""


class DataError(ImagesError, UsageError):
    """The data set must change before it can be used."""


class NoImages(DataError):
    """The folder of images cannot be read, or has fewer than two classes in it."""


class EmptyClass(DataError):
    """A class has no readable image; the message names it."""

"""Decoding the image files of strangers, within bounds on memory.

A file of some kilobytes can declare millions of pixels, and what is decoded takes up to 24 bytes
for each. So the files of one request together have a limit, and so has all that is decoded at once:
what is beyond that waits for its turn.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from api.errors import BadImage, Fault, Overdue, TooLarge
from images import Images
from images.container import declared_size
from images.errors import UnreadableImage

MAX_PIXELS = 2**24  # 400 MB at once


@dataclass(frozen=True)
class Upload:
    """An image file in a request.

    Attributes:
        location: where in the request it stands.
        data: its bytes.
    """

    location: str
    data: bytes


class Decoder:
    """Turns image files into pixels, for many threads at once.

    Args:
        max_pixels: the most that the files of one request have, and that are decoded at once.
    """

    def __init__(self, max_pixels: int = MAX_PIXELS) -> None:
        self._max_pixels = max_pixels
        self._left = max_pixels
        self._changed = threading.Condition()

    def decode(self, uploads: Sequence[Upload], timeout: float) -> Images:
        """Decode every file, to uint8[N, 128, 128, 3], RGB.

        Args:
            uploads: one file or more.
            timeout: seconds that each may wait for its turn.

        Raises:
            BadImage: one is no whole image in a format that we read.
            TooLarge: they have too many pixels.
            Overdue: others kept the decoder busy for too long.
        """
        from images.decode import decode  # OpenCV, which raw bytes do not need

        sizes = [_pixels(upload) for upload in uploads]
        if sum(sizes) > self._max_pixels:
            raise TooLarge(
                f"the image files of this request have {sum(sizes):,} pixels, and "
                f"{self._max_pixels:,} in all are the most: make them smaller"
            )
        images = []
        for upload, size in zip(uploads, sizes, strict=True):
            with self._room(size, timeout), _refused(upload):
                images.append(decode(upload.data))
        return np.stack(images)

    @contextmanager
    def _room(self, pixels: int, timeout: float) -> Iterator[None]:
        with self._changed:
            if not self._changed.wait_for(lambda: self._left >= pixels, timeout):
                raise Overdue(f"the image could not be decoded within {timeout:g} s")
            self._left -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._left += pixels
                self._changed.notify_all()


@contextmanager
def _refused(upload: Upload) -> Iterator[None]:
    try:
        yield
    except UnreadableImage as error:
        raise BadImage(Fault(upload.location, str(error))) from None


def _pixels(upload: Upload) -> int:
    with _refused(upload):
        width, height = declared_size(upload.data)
        return width * height

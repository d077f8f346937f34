"""Raw bytes as pixels, without OpenCV, whose libraries a service for raw bytes need not load."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from images.errors import WrongSize

Images: TypeAlias = npt.NDArray[np.uint8]

HEIGHT, WIDTH = 128, 128
SHAPE = (HEIGHT, WIDTH, 3)
NBYTES = HEIGHT * WIDTH * 3


def from_raw(data: bytes | memoryview) -> Images:
    """View raw bytes as images, without a copy.

    Returns:
        uint8[N, 128, 128, 3], RGB, N >= 1, read-only.

    Raises:
        WrongSize: the number of bytes is no positive multiple of ``NBYTES``.
    """
    if not data or len(data) % NBYTES:
        raise WrongSize(
            f"expected {NBYTES:,} bytes ({HEIGHT} x {WIDTH} x 3, uint8, row-major, RGB) per image; "
            f"got {len(data):,}"
        )
    return np.frombuffer(data, np.uint8).reshape(-1, *SHAPE)

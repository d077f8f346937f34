"""Bytes to pixels: the one place where formats, orientation, alpha, colour and size are settled."""

import os
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from images.container import check
from images.errors import UnreadableImage, WrongSize

Images: TypeAlias = npt.NDArray[np.uint8]

HEIGHT, WIDTH = 128, 128
SHAPE = (HEIGHT, WIDTH, 3)
NBYTES = HEIGHT * WIDTH * 3
MAX_PIXELS = 1 << 26

# OpenCV compares what a header declares with this before it allocates pixels, and reads the
# variable once, when it is loaded.
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)
import cv2  # noqa: E402
from cv2.typing import MatLike  # noqa: E402

# What OpenCV would write to standard error reaches callers as an UnreadableImage.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

# All three together, and only they, keep alpha and still apply an EXIF orientation.
AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH


def decode(data: bytes) -> Images:
    """Decode a PNG, JPEG, WebP or BMP file to the pixels that a model sees.

    An EXIF orientation is applied, alpha is composited onto white, 16-bit channels are scaled to
    8 bits, and the image is resized to 128x128 without keeping its proportions.

    Returns:
        uint8[128, 128, 3], RGB.

    Raises:
        UnreadableImage: the data are in none of these formats, are truncated or damaged, or
            declare more than ``MAX_PIXELS`` pixels.
    """
    check(data)
    return resize(_rgb(_as_stored(data)))


def from_raw(data: bytes) -> Images:
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
    images = np.frombuffer(data, np.uint8).reshape(-1, *SHAPE)
    images.flags.writeable = False
    return images


def resize(pixels: MatLike) -> Images:
    """Bring an image of any size to 128x128; one of that size keeps every pixel.

    Where it shrinks, pixels are averaged over their area, so that thin lines do not vanish;
    where it grows, they are interpolated linearly, which invents no darker or lighter ones.
    """
    height, width = pixels.shape[:2]
    smaller = (min(width, WIDTH), min(height, HEIGHT))
    shrunk = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
    grown = cv2.resize(shrunk, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown, np.uint8)


def _as_stored(data: bytes) -> MatLike:
    """Grey, BGR or BGRA, uint8 or uint16, and upright."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), AS_STORED)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in error.err:
            raise UnreadableImage(
                f"the image has more than the {MAX_PIXELS:,} pixels that are read: make it smaller"
            ) from None
        pixels = None
    if pixels is None:
        raise UnreadableImage("the image is damaged: it cannot be decoded")
    return pixels


def _rgb(pixels: MatLike) -> MatLike:
    if pixels.dtype == np.uint16:
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    if pixels.shape[2] == 4:
        return _on_white(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA))
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _on_white(rgba: MatLike) -> MatLike:
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)

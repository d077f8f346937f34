"""Bytes to pixels: the one place where formats, orientation, alpha, colour and size are settled."""

import cv2
import numpy as np
from cv2.typing import MatLike

from images.container import check, transparent_grey
from images.errors import UnreadableImage
from images.raw import HEIGHT, WIDTH, Images

# These three together, and no other flags, keep alpha and still apply an EXIF orientation.
UPRIGHT_WITH_ALPHA = cv2.IMREAD_COLOR | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH

# Callers learn from an UnreadableImage what OpenCV would write to standard error.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode(data: bytes) -> Images:
    """Decode a PNG, JPEG, WebP or BMP file to the pixels that a model sees.

    An EXIF orientation is applied, what is transparent shows white, 16-bit channels are scaled to
    8 bits, and the image is brought to 128x128, whatever its proportions. Of an animation, the
    first frame counts.

    Returns:
        uint8[128, 128, 3], RGB.

    Raises:
        UnreadableImage: the data are in none of these formats, truncated, damaged or too large.
    """
    check(data)
    pixels = _upright(data)
    transparent = transparent_grey(data)
    if transparent is not None:
        pixels[pixels == transparent] = 256**pixels.itemsize - 1
    return resize(_rgb(pixels))


def resize(pixels: MatLike) -> Images:
    """Bring an image of any size to 128x128; one of that size keeps every pixel.

    Where it shrinks, pixels are averaged over their area, so that thin lines do not vanish;
    where it grows, they are interpolated linearly, which invents no darker or lighter ones.
    Both give the same bits on every processor, which OpenCV's cubic interpolation does not: the
    split depends on them.
    """
    height, width = pixels.shape[:2]
    smaller = (min(width, WIDTH), min(height, HEIGHT))
    shrunk = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
    grown = cv2.resize(shrunk, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.asarray(grown, np.uint8)


def _upright(data: bytes) -> MatLike:
    """Grey, BGR or BGRA, uint8 or uint16."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), UPRIGHT_WITH_ALPHA)
    except cv2.error:
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
        return _on_white(pixels)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _on_white(bgra: MatLike) -> MatLike:
    """Composite over white: what each colour takes away from white, it takes by its alpha."""
    alpha = cv2.cvtColor(cv2.extractChannel(bgra, 3), cv2.COLOR_GRAY2RGB)
    taken = cv2.bitwise_not(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGB))
    return cv2.bitwise_not(cv2.multiply(taken, alpha, scale=1 / 255))

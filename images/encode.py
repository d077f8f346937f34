"""Pixels to bytes, without loss: what :func:`images.decode.decode` gives back unchanged."""

import cv2

from images.raw import Images


def png(pixels: Images) -> bytes:
    """A PNG file of an image, uint8[height, width, 3], RGB."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()

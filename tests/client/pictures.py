"""Image files of one colour."""

import numpy as np

from tests.images.files import encoded

COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}


def picture(colour: str, form: str = "PNG") -> bytes:
    """A file of which that channel is the brightest."""
    return encoded(np.full((20, 30, 3), COLOURS[colour], np.uint8), form)

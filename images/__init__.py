"""Images: encoded or raw bytes to pixels, data sets of labelled images, and their split.

Training, gate and service share this package, so that all three see the same pixels.
"""

from images.container import MAX_PIXELS  # before OpenCV, whose limits it sets
from images.raw import NBYTES, SHAPE, Images

__all__ = ["MAX_PIXELS", "NBYTES", "SHAPE", "Images"]

"""Images: encoded or raw bytes to pixels, data sets of labelled images, and their split.

Training, gate and service share this package, so that all three see the same pixels.
"""

from images.decode import NBYTES, SHAPE, Images

__all__ = ["NBYTES", "SHAPE", "Images"]

"""Heat maps over images, for people to look at."""

import cv2
import numpy as np
import numpy.typing as npt

from images.raw import HEIGHT, WIDTH, Images

OPACITY = 0.75  # where it is hottest
DARKEST = 90  # the coldest colour that shows, of 255: what is colder is hard to tell from black


def overlay(image: Images, heat: npt.NDArray[np.float64]) -> Images:
    """An image in grey, coloured where it is hot: from violet over red to yellow.

    Args:
        image: uint8[128, 128, 3], RGB.
        heat: float64[rows, columns], 0 to 1, over the whole of the image.

    Returns:
        uint8[128, 128, 3], RGB.
    """
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    smooth = cv2.resize(heat, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    levels = np.rint(DARKEST + (255 - DARKEST) * smooth).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    opacity = OPACITY * smooth[..., np.newaxis]
    return np.rint(grey + opacity * (colours - grey.astype(np.float64))).astype(np.uint8)

"""What is encoded comes back pixel for pixel."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from images import SHAPE
from images.decode import decode
from images.encode import png


@given(st.integers(0, 2**32), st.sampled_from([2, 256]))
def test_pixels_come_back_as_they_were(seed: int, levels: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, levels, SHAPE, np.uint8)
    assert np.array_equal(decode(png(pixels)), pixels)

"""Raw bytes are the pixels themselves, and no other library is needed to see them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images import NBYTES, SHAPE
from images.errors import WrongSize
from images.raw import from_raw


@given(count=st.integers(1, 3), seed=st.integers(0, 100))
def test_raw_bytes_are_viewed_as_images(count: int, seed: int) -> None:
    data = np.random.default_rng(seed).bytes(count * NBYTES)
    images = from_raw(data)
    assert images.shape == (count, *SHAPE)
    assert images.tobytes() == data
    assert np.shares_memory(images, np.frombuffer(data, np.uint8))
    assert not images.flags.writeable


def test_raw_bytes_are_row_major_rgb() -> None:
    data = bytearray(NBYTES)
    data[(5 * 128 + 7) * 3 + 2] = 9
    assert from_raw(bytes(data))[0, 5, 7].tolist() == [0, 0, 9]


@pytest.mark.parametrize("size", [0, 1, 5, NBYTES - 1, NBYTES + 1, 2 * NBYTES - 1])
def test_another_number_of_raw_bytes_is_refused_with_what_is_expected(size: int) -> None:
    with pytest.raises(WrongSize) as refused:
        from_raw(bytes(size))
    assert str(refused.value) == (
        f"expected 49,152 bytes (128 x 128 x 3, uint8, row-major, RGB) per image; got {size:,}"
    )


def test_they_do_without_opencv() -> None:
    program = "import sys, images.raw; sys.exit('cv2' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0

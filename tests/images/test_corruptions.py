import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images import Images, digits
from images.corruptions import CORRUPTIONS, LEVELS, corrupt

NAMES = sorted(CORRUPTIONS)


@pytest.fixture(scope="module")
def scans() -> Images:
    return digits.load().images[:8]


@pytest.mark.parametrize("name", NAMES)
def test_every_corruption_changes_images_the_same_way_each_time(name: str, scans: Images) -> None:
    before = scans.copy()
    for level in LEVELS:
        damaged = corrupt(scans, name, level)
        assert damaged.shape == scans.shape
        assert damaged.dtype == np.uint8
        assert (damaged != scans).any()
        assert np.array_equal(damaged, corrupt(scans, name, level))
    assert np.array_equal(scans, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_higher_level_damages_more(name: str, scans: Images) -> None:
    apart = [np.abs(corrupt(scans, name, level).astype(float) - scans).mean() for level in LEVELS]
    assert apart[0] < apart[2] < apart[4]


@given(st.sampled_from(NAMES), st.sampled_from(LEVELS), st.integers(0, 255))
def test_images_of_one_value_and_no_images_can_be_damaged(
    name: str, level: int, value: int
) -> None:
    plain = np.full((1, 128, 128, 3), value, np.uint8)
    assert corrupt(plain, name, level).shape == plain.shape
    assert corrupt(plain[:0], name, level).shape == (0, 128, 128, 3)


def test_amounts_are_those_of_the_literature(scans: Images) -> None:
    grey = np.full((4, 128, 128, 3), 128, np.uint8)
    noise = corrupt(grey, "gaussian noise", 1).astype(float) - 128
    assert noise.std() == pytest.approx(255 * 0.08, rel=0.02)
    changed = corrupt(grey, "impulse noise", 5) != grey
    assert changed.mean() == pytest.approx(0.27, rel=0.03)
    assert corrupt(grey, "shot noise", 3).std() == pytest.approx(
        255 * np.sqrt(128 / 255 / 12), rel=0.05
    )
    assert (corrupt(grey, "brightness", 1) == 154).all()
    covered = corrupt(np.zeros_like(grey), "occlusion", 5) > 0
    assert (covered.mean(axis=(1, 2, 3)) == 0.25).all()
    spread = corrupt(scans, "contrast", 5).astype(float).std() / scans.std()
    assert spread < 0.2

import numpy as np
import pytest

from images.overlay import overlay
from tests.images.files import noise


def test_what_is_cold_stays_grey() -> None:
    image = noise(128, 128)
    shown = overlay(image, np.zeros((16, 16)))
    assert (shown.shape, shown.dtype) == (image.shape, np.uint8)
    assert (shown == shown[..., :1]).all()
    luminance = image @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    np.testing.assert_allclose(shown[..., 0], luminance, atol=1)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_what_is_hot_has_colour_where_it_is(value: int) -> None:
    heat = np.zeros((16, 16))
    heat[2:5, 10:13] = 1
    shown = overlay(np.full((128, 128, 3), value, np.uint8), heat).astype(int)
    colourful = np.ptp(shown, axis=2) > 20
    assert colourful[24:32, 88:96].all()
    rows, columns = np.nonzero(colourful)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) >= (12, 31, 76, 95)
    assert rows.max() < 44
    assert columns.max() < 108


def test_more_heat_is_brighter_on_black() -> None:
    ramp = np.tile(np.linspace(0, 1, 16), (16, 1))
    shown = overlay(np.zeros((128, 128, 3), np.uint8), ramp).astype(int)
    assert (np.diff(shown[64].sum(1)) >= 0).all()
    assert shown[64, 0].sum() == 0
    assert shown[64, -1].sum() > 400

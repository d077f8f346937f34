import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import WrongLength, WrongType
from api.payloads import check_type, single_image
from images import NBYTES


@pytest.mark.parametrize(
    "accepted",
    [
        "",
        "application/octet-stream",
        "Application/Octet-Stream",
        "application/x-www-form-urlencoded",
    ],
)
def test_raw_types_are_accepted(accepted: str) -> None:
    check_type(accepted)
    check_type(accepted, "identity")


@pytest.mark.parametrize(
    "refused",
    [
        "application/json",
        "image/png",
        "image/jpeg",
        "multipart/form-data",
        "text/plain",
        "nonsense",
    ],
)
def test_other_types_are_refused_by_name(refused: str) -> None:
    with pytest.raises(WrongType, match=f"{refused}.*application/octet-stream.*49,152"):
        check_type(refused)


def test_a_coded_body_is_refused() -> None:
    with pytest.raises(WrongType, match="gzip"):
        check_type("", "gzip")


def test_raw_bytes_become_an_image_row_by_row() -> None:
    body = bytes(range(256)) * (NBYTES // 256)
    image = single_image(body)
    assert image.shape == (1, 128, 128, 3)
    assert image.dtype == np.uint8
    assert image[0, 0, 1].tolist() == [3, 4, 5]
    assert image[0, 1, 0].tolist() == [128, 129, 130]


@given(st.integers(0, 3 * NBYTES).filter(lambda length: length != NBYTES))
def test_any_other_length_is_refused_with_both_lengths(length: int) -> None:
    with pytest.raises(WrongLength, match=rf"exactly 49,152 .* it has {length:,} bytes"):
        single_image(bytes(length))

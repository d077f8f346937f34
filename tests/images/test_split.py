"""The laws of the split: a partition that stays as it is while data come and go."""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images import digits, folder
from images.dataset import Dataset
from images.decode import decode
from images.split import Split, positions, split
from tests.images.files import encoded, noise

MANY = 300


@pytest.fixture(scope="module")
def whole() -> Dataset:
    images = np.stack([np.full((128, 128, 3), 0, np.uint8)] * MANY)
    images[:, 0, 0] = np.arange(MANY)[:, None] // (1, 256, 1) % 256
    return Dataset(
        source="counted",
        images=images,
        labels=np.arange(MANY) % 3,
        classes=("a", "b", "c"),
        names=tuple(str(index) for index in range(MANY)),
    )


def parts(result: Split) -> dict[str, str]:
    """The part of each image, by the image's name."""
    return {name: part for part, data in vars(result).items() for name in data.names}


def test_it_is_a_partition(whole: Dataset) -> None:
    result = split(whole)
    names = [name for part in vars(result).values() for name in part.names]
    assert sorted(names) == sorted(whole.names)
    for part in vars(result).values():
        for name, image, label in zip(part.names, part.images, part.labels, strict=True):
            assert np.array_equal(image, whole.images[int(name)])
            assert label == whole.labels[int(name)]


@given(kept=st.sets(st.integers(0, MANY - 1), max_size=30), data=st.data())
def test_an_image_keeps_its_part_whatever_else_there_is(
    whole: Dataset, kept: set[int], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(sorted(kept)))
    fewer = whole.select(np.array(order, np.int64))
    expected = parts(split(whole))
    assert parts(split(fewer)) == {name: expected[name] for name in fewer.names}


def test_an_image_keeps_its_part_under_another_class_and_name(whole: Dataset) -> None:
    renamed = replace(whole, labels=2 - whole.labels, classes=("x", "y", "z"), source="moved")
    assert parts(split(renamed)) == parts(split(whole))


def test_duplicates_stay_together_across_formats_and_classes(tmp_path: Path) -> None:
    for seed in range(40):
        pixels = noise(128, 128, seed=seed)
        for name, form in (("a", "PNG"), ("b", "BMP"), ("c", "WEBP")):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / str(seed)).write_bytes(encoded(pixels, form, lossless=True))
    of = parts(split(folder.read(tmp_path)))
    found = {of[f"a/{seed}"] for seed in range(40)}
    assert found == {"train", "validation", "calibration", "held_out"}
    for seed in range(40):
        assert of[f"a/{seed}"] == of[f"b/{seed}"] == of[f"c/{seed}"]


@pytest.fixture(scope="module")
def copied() -> Dataset:
    """Pictures, each followed by two copies with other pixels."""
    pictures = [noise(16, 16, seed=seed) for seed in range(60)]
    files = [
        encoded(cv2.resize(picture, (128, 128)), form, quality=quality)
        for picture in pictures
        for form, quality in (("JPEG", 90), ("JPEG", 50), ("WEBP", 70))
    ]
    return Dataset(
        source="copied",
        images=np.stack([decode(file) for file in files]),
        labels=np.zeros(len(files), np.int64),
        classes=("a", "b"),
        names=tuple(f"{picture}.{copy}" for picture in range(60) for copy in range(3)),
    )


def test_near_duplicates_stay_together(copied: Dataset) -> None:
    of = parts(split(copied))
    for name, part in of.items():
        assert part == of[name.split(".")[0] + ".0"]
    assert set(of.values()) == {"train", "validation", "calibration", "held_out"}


@given(kept=st.sets(st.integers(0, 179)), added=st.sets(st.integers(0, 179)))
def test_adding_images_moves_none_but_towards_held_out(
    copied: Dataset, kept: set[int], added: set[int]
) -> None:
    order = ["held_out", "validation", "calibration", "train"]
    before = parts(split(copied.select(np.array(sorted(kept), np.int64))))
    after = parts(split(copied.select(np.array(sorted(kept | added), np.int64))))
    for name, part in before.items():
        assert order.index(after[name]) <= order.index(part)


def test_the_parts_of_the_digits_are_about_60_10_10_and_20_percent() -> None:
    dataset = digits.load()
    result = split(dataset)
    shares = [len(part) / len(dataset) for part in vars(result).values()]
    # Four standard deviations of a binomial share of 1,797.
    for share, expected in zip(shares, (0.6, 0.1, 0.1, 0.2), strict=True):
        assert abs(share - expected) < 4 * (expected * (1 - expected) / len(dataset)) ** 0.5
    assert all(min(part.per_class().values()) > 0 for part in vars(result).values())


def test_the_split_of_the_digits_never_moves() -> None:
    """A change here would leak held-out images into what models have been trained on."""
    result = split(digits.load())
    assert [len(part) for part in vars(result).values()] == [1078, 189, 180, 350]
    names = {part: " ".join(data.names).encode() for part, data in vars(result).items()}
    assert {part: hashlib.sha256(text).hexdigest()[:16] for part, text in names.items()} == {
        "train": "5fc6043b10d570b3",
        "validation": "c24a6c9484da9dd6",
        "calibration": "86647a58b3d923a5",
        "held_out": "fb5a79a3c1ea9876",
    }


@pytest.mark.parametrize(
    ("start", "expected"),
    [("00000000", 0.0), ("80000000", 0.5), ("40000001", 0.25 + 2**-32), ("ffffffff", 1 - 2**-32)],
)
def test_a_digest_maps_to_its_first_four_bytes(start: str, expected: float) -> None:
    digest = bytes.fromhex(start) + b"\xff" * 28
    assert positions([digest]).tolist() == [expected]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_positions_are_in_the_unit_interval(digests: list[bytes]) -> None:
    position = positions(digests)
    assert position.shape == (len(digests),)
    assert ((position >= 0) & (position < 1)).all()


def test_an_empty_data_set_has_empty_parts(whole: Dataset) -> None:
    result = split(whole.select(np.zeros(MANY, bool)))
    assert [len(part) for part in vars(result).values()] == [0, 0, 0, 0]

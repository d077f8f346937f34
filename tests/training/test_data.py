"""Data that cannot be trained on is refused in a sentence that says what is missing."""

import hashlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from images.decode import decode
from images.errors import EmptyClass, NoImages
from images.split import CALIBRATION, HELD_OUT, VALIDATION, positions
from process.errors import UsageError
from tests.training.squares import paint
from training import checks, data
from training.errors import NotEnoughImages

Part = Callable[[float], bool]

PARTS: dict[str, Part] = {
    "held_out": lambda position: position < HELD_OUT,
    "validation": lambda position: HELD_OUT <= position < HELD_OUT + VALIDATION,
    "train": lambda position: position >= HELD_OUT + VALIDATION + CALIBRATION,
}


def put(folder: Path, counts: dict[str, int]) -> None:
    """Write so many images that the split puts into each part."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(len(folder.name))
    for part, count in counts.items():
        made = 0
        while made < count:
            path = folder / f"{part}{made}.png"
            Image.fromarray(generator.integers(0, 256, (8, 8, 3), np.uint8)).save(path)
            digest = hashlib.sha256(decode(path.read_bytes()).tobytes()).digest()
            made += PARTS[part](float(positions([digest])[0]))


def test_unreadable_files_are_skipped_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = paint(tmp_path / "colours", 40)
    (folder / "red" / "broken.png").write_bytes(b"nothing")
    with caplog.at_level(logging.WARNING):
        dataset, _ = data.read(str(folder))
    assert [skipped.name for skipped in dataset.skipped] == ["red/broken.png"]
    assert "red/broken.png" in caplog.text


def test_equal_pixels_in_two_classes_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = paint(tmp_path / "colours", 40)
    shutil.copy(folder / "red" / "03.png", folder / "blue" / "copy.png")
    shutil.copy(folder / "red" / "04.png", folder / "red" / "again.png")
    dataset, _ = data.read(str(folder))
    assert checks.ambiguous(dataset) == ("blue/copy.png", "red/03.png")
    assert "2 images are in several classes" in caplog.text
    assert "blue/copy.png, red/03.png" in caplog.text


@pytest.mark.parametrize(
    ("counts", "fault"),
    [
        ({"train": 3}, "the validation part has no image of cat"),
        ({"validation": 2}, "the training part has no image of cat"),
    ],
)
def test_a_class_missing_from_a_part_is_named(
    tmp_path: Path, counts: dict[str, int], fault: str
) -> None:
    put(tmp_path / "cat", counts)
    put(tmp_path / "dog", {"train": 2, "validation": 1, "held_out": 1})
    with pytest.raises(NotEnoughImages, match=fault) as caught:
        data.read(str(tmp_path))
    assert isinstance(caught.value, UsageError)
    assert "dog" not in str(caught.value)


def test_copies_of_one_picture_are_not_taken_for_many_images(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        put(tmp_path / name, {"train": 1})
        [picture] = (tmp_path / name).glob("train*.png")
        for number in range(60):
            shutil.copy(picture, tmp_path / name / f"copy{number}.png")
    fault = r"the validation part has no image of cat \(images: 61, different: 1\)"
    with pytest.raises(NotEnoughImages, match=fault):
        data.read(str(tmp_path))


def test_nothing_held_out_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path / "cat", {"train": 2, "validation": 1})
    put(tmp_path / "dog", {"train": 2, "validation": 1, "held_out": 1})
    data.read(str(tmp_path))
    assert "the held-out part has no image of cat" in caplog.text


def test_an_empty_class_is_refused(tmp_path: Path) -> None:
    folder = paint(tmp_path / "colours", 2)
    (folder / "yellow").mkdir()
    with pytest.raises(EmptyClass, match="yellow"):
        data.read(str(folder))


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "cat", {"train": 2})
    with pytest.raises(NoImages):
        data.read(str(tmp_path))

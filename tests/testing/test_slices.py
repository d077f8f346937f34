import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.dataset import Dataset, Skipped
from testing import verdict
from testing.errors import WrongSlices
from testing.slices import SliceScores, read, score

NAMES = ("cat/1.png", "cat/a,b.png", "dog/1.png", "dog/2.png")


@pytest.fixture
def data() -> Dataset:
    pixels = np.zeros((4, 128, 128, 3), np.uint8)
    skipped = (Skipped("dog/broken.png", "it is cut short"),)
    return Dataset("pets", pixels, np.array([0, 0, 1, 1]), ("cat", "dog"), NAMES, skipped)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "slices.csv"


def test_an_image_may_be_in_several_slices(data: Dataset, file: Path) -> None:
    file.write_bytes(
        b"\xef\xbb\xbfpath,slice\r\ncat/1.png,dark\r\n\r\ncat/1.png,old\r\n"
        b'"cat/a,b.png",dark\r\ndog/broken.png,dark\r\ncat/1.png,dark\r\n'
    )
    assert read(file, data) == {
        "dark": {"cat/1.png", "cat/a,b.png"},
        "old": {"cat/1.png"},
    }


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_spreadsheets_file_is_read(delimiter: str, data: Dataset, file: Path) -> None:
    rows = [("path", "slice"), ("cat\\1.png", "S\u00fcd"), ("cat\\a,b.png", "S\u00fcd"), ("", "")]
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    assert read(file, data) == {"S\u00fcd": {"cat/1.png", "cat/a,b.png"}}


def test_a_name_with_a_backslash_is_that_image(data: Dataset, file: Path) -> None:
    names = ("cat\\1.png", *NAMES[1:])
    file.write_text("path,slice\ncat\\1.png,dark\n")
    assert read(file, replace(data, names=names)) == {"dark": {"cat\\1.png"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the header must be `path,slice`"),
        (b"cat/1.png,dark\n", "line 1: the header must be `path,slice`"),
        (b"path,slice\n", "no row below its header"),
        (b"path,slice\ncat/1.png\n", "line 2: two columns are wanted, and 1 found"),
        (b"path,slice\ncat/1.png,a\ncat/a,b.png,a\n", "line 3: two columns"),
        (b"path,slice\ncat/1.png,\n", r"line 2, column 2 \(slice\): it is empty"),
        (b"path,slice\n ,dark\n", r"line 2, column 1 \(path\): it is empty"),
        (b"path,slice\ncat/1.png,\xff\n", "line 2, byte 11: this is not UTF-8"),
        (b'path,slice\n"cat/1.png,dark\n', "line 2: "),
        (b"path,slice\ncat/9.png,dark\n", r"column 1 \(path\): 1 of 1 rows .*line 2: 'cat/9.png'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    content: bytes, message: str, data: Dataset, file: Path
) -> None:
    file.write_bytes(content)
    with pytest.raises(WrongSlices, match=message):
        read(file, data)


def test_unknown_images_are_listed_up_to_a_bound(data: Dataset, file: Path) -> None:
    file.write_text("path,slice\n" + "".join(f"{'x' * 500}{n},s\n" for n in range(99)))
    with pytest.raises(WrongSlices, match="and 94 more") as caught:
        read(file, data)
    assert len(str(caught.value)) < 1000


def test_a_file_that_is_not_there_is_named(data: Dataset, file: Path) -> None:
    with pytest.raises(WrongSlices, match=r"slices\.csv cannot be read: No such file"):
        read(file, data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    # Hypothesis has no folder of its own for each example.
    pixels = np.zeros((0, 128, 128, 3), np.uint8)
    empty = Dataset("nothing", pixels, np.zeros(0, np.int64), ("a", "b"), ())
    with pytest.raises(WrongSlices):
        read(_Bytes(b"path,slice\n" + content), empty)


class _Bytes(type(Path())):  # type: ignore[misc]
    """A path whose file has this content."""

    def __new__(cls, content: bytes) -> "_Bytes":
        self = super().__new__(cls, "slices.csv")
        self.content = content
        return self

    def read_bytes(self) -> bytes:
        return self.content


def scores(right: int, images: int, elsewhere: int = 0) -> SliceScores:
    answered = np.arange(images) < right
    names = [str(n) for n in range(images)]
    members = {"s": frozenset(names) | {f"out {n}" for n in range(elsewhere)}}
    return score(members, names, answered, None, 0.95)["s"]


def test_only_what_is_held_out_counts() -> None:
    found = scores(8, 10, elsewhere=40)
    assert (found.images, found.elsewhere, found.accuracy.value) == (10, 40, 0.8)
    assert found.production is None
    assert "40 of the 50 images named do not count" in (
        verdict.slices({"s": found}, 0.5, 0.95).sentence
    )


def test_production_counts_on_classes_that_it_knows() -> None:
    right, known = np.array([True, False, False]), np.array([True, True, False])
    found = score({"s": frozenset("abc")}, "abc", right, (right, known), 0.95)["s"]
    assert found.accuracy.value == pytest.approx(1 / 3)
    assert found.production
    assert found.production.value == 0.5
    nothing = score({"s": frozenset("c")}, "abc", right, (right, known), 0.95)["s"]
    assert nothing.production is None


@pytest.mark.parametrize(
    ("right", "images", "passed", "told"),
    [(0, 3, True, False), (0, 4, False, True), (5, 20, False, True), (6, 20, True, True)],
)
def test_a_slice_is_refused_when_its_interval_lies_below(
    right: int, images: int, passed: bool, told: bool
) -> None:
    check = verdict.slices({"night": scores(right, images)}, 0.5, 0.95)
    assert check.passed is passed
    assert ("too few held-out images to tell of 'night'" in check.sentence) is not told
    if not passed:
        assert "GATE_MIN_SLICE_ACCURACY" in check.sentence


def test_names_of_slices_are_quoted() -> None:
    sentence = verdict.slices({"\x1b[31m": scores(0, 9)}, 0.5, 0.95).sentence
    assert sentence.isprintable()


def test_many_slices_of_few_images_are_not_refused_by_chance() -> None:
    """Each of them is answered rightly in 7 cases of 10."""
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        found = {str(n): scores(int(rng.binomial(5, 0.7)), 5) for n in range(60)}
        refused += not verdict.slices(found, 0.5, 0.95).passed
    assert refused <= 3

"""A source is the name of the built-in data or the path of a folder."""

from pathlib import Path

import pytest

from images.errors import NoImages
from images.source import load
from tests.images.files import samples


def test_digits_are_the_built_in_data() -> None:
    assert load("digits").source == "digits"


def test_anything_else_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / "digits" / name).mkdir(parents=True)
        (tmp_path / "digits" / name / "0.png").write_bytes(samples()["png"])
    monkeypatch.chdir(tmp_path)
    assert load("./digits").classes == load(str(tmp_path / "digits")).classes == ("a", "b")


def test_a_misspelt_source_is_an_error_that_names_both_ways() -> None:
    with pytest.raises(NoImages, match="digitz does not exist: name a folder of images, or `digi"):
        load("digitz")

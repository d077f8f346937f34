"""A folder of folders becomes a data set; whatever is wrong with it is said by name."""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images import folder
from images.decode import decode
from images.errors import EmptyClass, NoImages
from tests.images.files import Pixels, encoded, noise, samples

SAMPLES = samples()
NOBODY = 65534


def write(path: Path, data: bytes = SAMPLES["png"]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def image(seed: int) -> Pixels:
    return noise(128, 128, seed=seed)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes of two images each."""
    for name in ("cat", "dog"):
        for number in range(2):
            write(tmp_path / name / f"{number}.png", encoded(image(len(name) + number), "PNG"))
    return tmp_path


@pytest.fixture
def shared(data: Path) -> Iterator[Path]:
    """The data in a folder that every user may enter."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        copy = Path(shutil.copytree(data, Path(place, "data")))
        copy.chmod(0o755)
        yield copy


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody for a while: no permission is denied to root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_each_sub_folder_is_a_class(data: Path) -> None:
    (data / "README.txt").write_text("loose files beside the classes are none of ours")
    dataset = folder.read(data)
    assert dataset.source == str(data)
    assert dataset.classes == ("cat", "dog")
    assert dataset.names == ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png")
    assert (dataset.labels.tolist(), dataset.labels.dtype) == ([0, 0, 1, 1], np.int64)
    assert np.array_equal(dataset.images, [image(seed) for seed in (3, 4, 3, 4)])
    assert dataset.skipped == ()


def test_every_kind_of_file_is_found_at_any_depth(tmp_path: Path) -> None:
    for kind, content in SAMPLES.items():
        write(tmp_path / "deep" / "er" / kind / "x", content)
        write(tmp_path / "flat" / kind.upper(), content)
    dataset = folder.read(tmp_path)
    assert dataset.per_class() == {"deep": len(SAMPLES), "flat": len(SAMPLES)}
    for name, pixels in zip(dataset.names, dataset.images, strict=True):
        assert np.array_equal(pixels, decode((tmp_path / name).read_bytes()))


def test_the_order_does_not_depend_on_which_file_was_decoded_first(tmp_path: Path) -> None:
    for number in range(200):
        large = number % 50 == 0
        content = encoded(np.full((1500, 1500) if large else (1, 1), number, np.uint8), "PNG")
        write(tmp_path / "ab"[number % 2] / f"{number:03}", content)
    dataset = folder.read(tmp_path)
    assert list(dataset.names) == sorted(dataset.names)
    numbers = [int(name.split("/")[1]) for name in dataset.names]
    assert dataset.images[:, 0, 0, 0].tolist() == numbers


@pytest.mark.parametrize(
    "litter", [".DS_Store", "._0.png", "Thumbs.db", "desktop.ini", ".git/x.png", "__MACOSX/x.png"]
)
def test_what_desktops_leave_behind_is_ignored(data: Path, litter: str) -> None:
    write(data / litter)
    write(data / "cat" / litter)
    dataset = folder.read(data)
    assert (len(dataset), dataset.classes, dataset.skipped) == (4, ("cat", "dog"), ())


def test_unreadable_files_are_skipped_by_name(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(data / "cat" / "cut.jpg", SAMPLES["jpeg"][:-9])
    write(data / "dog" / "a" / "notes.txt", b"good dog")
    os.mkfifo(data / "dog" / "pipe")
    (data / "dog" / "gone.png").symlink_to("nowhere")
    (data / "dog" / "loop.png").symlink_to("loop.png")
    with caplog.at_level(logging.WARNING):
        dataset = folder.read(data)
    assert len(dataset) == 4
    assert {skipped.name: skipped.reason for skipped in dataset.skipped} == {
        "cat/cut.jpg": "the JPEG file is truncated: send or copy it again",
        "dog/a/notes.txt": "this is not a PNG, JPEG, WebP or BMP file",
        "dog/gone.png": "it cannot be read: No such file or directory",
        "dog/loop.png": "it cannot be read: Too many levels of symbolic links",
        "dog/pipe": "this is not a regular file",
    }
    assert "skipped cat/cut.jpg: the JPEG file is truncated: send or copy it again" in caplog.text


def test_a_file_too_large_to_be_an_image_is_not_read(data: Path) -> None:
    with (data / "cat" / "film.bmp").open("wb") as file:
        file.truncate(folder.MAX_BYTES + 1)
    (skipped,) = folder.read(data).skipped
    assert skipped.reason == "this file is larger than 536,870,912 bytes"


def test_files_and_folders_without_permission_are_skipped_by_name(shared: Path) -> None:
    write(shared / "cat" / "secret.png").chmod(0)
    write(shared / "dog" / "vault" / "x.png").parent.chmod(0)
    with without_privileges():
        dataset = folder.read(shared)
    (shared / "dog" / "vault").chmod(0o755)
    assert len(dataset) == 4
    assert {(skipped.name, skipped.reason) for skipped in dataset.skipped} == {
        ("cat/secret.png", "it cannot be read: Permission denied"),
        ("dog/vault", "it cannot be read: Permission denied"),
    }


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_folder_without_permission_is_an_error(shared: Path, mode: int) -> None:
    shared.chmod(mode)
    with without_privileges(), pytest.raises(NoImages) as refused:
        folder.read(shared)
    shared.chmod(0o755)
    assert str(refused.value) == f"{shared} cannot be read: Permission denied"


def test_links_are_followed_but_round_no_loop(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = write(tmp_path_factory.mktemp("elsewhere") / "x.png")
    (data / "cat" / "2.png").symlink_to(elsewhere)
    (data / "cat" / "more").symlink_to(elsewhere.parent)
    (data / "cat" / "self").symlink_to(".")
    (data / "cat" / "up").symlink_to("..")
    (data / "owl").symlink_to(elsewhere.parent)
    dataset = folder.read(data)
    assert dataset.classes == ("cat", "dog", "owl")
    assert {"cat/2.png", "cat/more/x.png", "owl/x.png"} < set(dataset.names)
    assert len(set(dataset.names)) == len(dataset.names) < 20


def test_a_class_without_an_image_is_an_error_that_names_it(data: Path) -> None:
    (data / "eel").mkdir()
    write(data / "owl" / "notes.txt", b"hoot")
    with pytest.raises(EmptyClass, match=r"no readable image for eel: add some, or remove"):
        folder.read(data)
    (data / "eel").rmdir()
    write(data / "ape" / "notes.txt", b"ook")
    with pytest.raises(EmptyClass, match=r"no readable image for ape, owl: add some, or remove"):
        folder.read(data)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("none", "does not exist: name a folder of images, or `digits`"),
        ("file", "is a file: name the folder that the classes are in"),
        ("empty", "has 0 sub-folders, and two classes are the least"),
        ("one", "has 1 sub-folders, and two classes are the least"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
)
def test_what_is_no_folder_of_classes_is_an_error_that_names_it(
    tmp_path: Path, path: str, complaint: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    write(tmp_path / "one" / "cat" / "0.png")
    with pytest.raises(NoImages) as refused:
        folder.read(tmp_path / path)
    assert str(refused.value).startswith(f"{tmp_path / path} {complaint}")
    assert refused.value.exit_code == 2


folder_names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=40
).filter(
    lambda name: (
        not name.startswith(".") and name.lower() not in folder.LITTER and len(name.encode()) < 200
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.sets(folder_names, min_size=2, max_size=4))
def test_classes_have_any_name_in_unicode(names: set[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            write(Path(place, name, f"{name}.png"))
        dataset = folder.read(Path(place))
    assert dataset.classes == tuple(sorted(names))
    assert dataset.names == tuple(f"{name}/{name}.png" for name in sorted(names))
    assert len(dataset.fingerprint) == 64


def test_a_name_that_is_no_unicode_is_spelled_out(data: Path) -> None:
    write(data / os.fsdecode(b"\xff") / os.fsdecode(b"\xfe.png"))
    dataset = folder.read(data)
    assert dataset.classes[-1] == r"\xff"
    assert dataset.names[-1] == r"\xff/\xfe.png"


def test_progress_through_a_large_folder_is_logged(
    data: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PROGRESS", 3)
    with caplog.at_level(logging.INFO):
        folder.read(data)
    assert [record.getMessage() for record in caplog.records] == ["read 3 of 4 images"]

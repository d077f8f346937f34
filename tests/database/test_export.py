"""What callers said, as a folder of classes: pixel for pixel, and in the split's same part."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr
from sqlalchemy import delete

from database.database import Database, open_database
from database.errors import CannotExport
from database.export import Exported, export
from database.models import Feedback, Image, Request, Response
from database.settings import DatabaseSettings
from images import Images, digits
from images.dataset import Dataset
from images.encode import png
from images.folder import read
from images.split import split

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where images are written; beside it may be the database."""
    return tmp_path / "images"


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/file.sqlite"


@pytest.fixture
def file(file_url: str) -> Iterator[Database]:
    """A database in a file, where a server would do no other than in the first test."""
    database = open_database(DatabaseSettings(url=SecretStr(file_url)))
    yield database
    database.close()


@pytest.fixture(scope="module")
def some() -> Dataset:
    """Digits, ten of each."""
    every = digits.load()
    order = np.argsort(every.labels, kind="stable")
    return every.select(np.concatenate([order[every.labels[order] == n][:10] for n in range(10)]))


def tell(database: Database, image: Images, *labels: str, keep: bool = True) -> str:
    """An image that was answered once for each label that it is said to be; its hash."""
    sha256 = Dataset("", image[None], np.zeros(1, np.int64), ("",), ("",)).digests[0].hex()
    with database.session() as session:
        for label in labels:
            number = session.query(Request).count()
            key = {"request_id": f"{number:032x}", "position": 0}
            session.add(
                Request(
                    id=key["request_id"],
                    request_id="mine",
                    at=NOW,
                    method="POST",
                    path="/",
                    status=200,
                    milliseconds=1,
                    images=1,
                )
            )
            session.flush()
            answer = {"version": "a" * 64, "index": 0, "name": "0", "label": "0", "confidence": 1}
            session.add(Response(**key, image_sha256=sha256, **answer))
            session.flush()
            session.add(Feedback(**key, label=label, at=NOW))
        if keep:
            session.merge(Image(sha256=sha256, png=png(image), at=NOW))
    return sha256


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_disputed_or_not_there_is_left_out_and_counted(
    database: Database, some: Dataset, folder: Path
) -> None:
    agreed = tell(database, some.images[0], "7", "7")
    tell(database, some.images[1], "7", "8")
    tell(database, some.images[2], "7", keep=False)
    assert export(database, folder) == Exported(1, 1, 1)
    assert files(folder) == {f"7/{agreed}.png"}


def test_images_come_back_as_they_were_answered(
    file: Database, some: Dataset, folder: Path
) -> None:
    for image, label in zip(some.images, some.labels, strict=True):
        tell(file, image, some.classes[label])
    assert export(file, folder) == Exported(len(some), 0, 0)
    found = read(folder)
    assert found.fingerprint == some.fingerprint
    assert [Path(name).stem for name in found.names] == [each.hex() for each in found.digests]


def test_what_was_held_out_is_held_out_when_it_comes_back(
    file: Database, some: Dataset, folder: Path
) -> None:
    """Beside the images that it came from, as a folder that an export is added to."""
    before = split(some)
    for image, label in zip(before.held_out.images, before.held_out.labels, strict=True):
        tell(file, image, some.classes[label])
    for index, (image, label) in enumerate(zip(some.images, some.labels, strict=True)):
        path = folder / some.classes[label] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
    export(file, folder)
    after = split(read(folder))
    assert set(after.train.digests) == set(before.train.digests)
    assert set(after.held_out.digests) == set(before.held_out.digests)
    assert len(after.held_out) == 2 * len(before.held_out)


def test_an_image_goes_to_another_class_when_callers_say_so(
    file: Database, some: Dataset, folder: Path
) -> None:
    (folder / "7").mkdir(parents=True)
    (folder / "7" / "mine.png").write_bytes(b"an image of one's own")
    for label in ("7", "8", "8"):
        with file.session() as session:
            session.execute(delete(Feedback))
        sha256 = tell(file, some.images[0], label)
        export(file, folder)
        assert files(folder) == {"7/mine.png", f"{label}/{sha256}.png"}


def test_an_image_goes_away_when_callers_come_to_differ(
    file: Database, some: Dataset, folder: Path
) -> None:
    for label, kept in (("7", 1), ("8", 0)):
        tell(file, some.images[0], label)
        export(file, folder)
        assert len(files(folder)) == kept


@pytest.mark.parametrize("label", ["..", ".hidden", "a/b", "/etc", ""])
def test_a_class_cannot_lead_out_of_the_folder(
    file: Database, some: Dataset, folder: Path, label: str
) -> None:
    tell(file, some.images[0], label)
    with pytest.raises(CannotExport, match="can have no folder of its name"):
        export(file, folder)
    assert files(folder.parent) <= {f"file.sqlite{end}" for end in ("", "-wal", "-shm")}


def test_the_command_says_what_it_wrote(
    file: Database, file_url: str, some: Dataset, folder: Path
) -> None:
    tell(file, some.images[0], "7")
    tell(file, some.images[1], "7", "8")

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "database", "export", str(folder)],
            cwd=Path(__file__).parent.parent.parent,
            env={"DATABASE_URL": file_url, "LOG_FORMAT": "text"},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{folder}: 1 images; left out: 1 that are said to be of several classes, "
        "0 that were not kept\n"
    )
    (folder / "7").rename(folder / "8")
    (folder / "7").write_text("in the way")
    refused = run()
    assert refused.returncode == 2
    assert refused.stderr == f"database: {folder / '7'} cannot be written: File exists\n"

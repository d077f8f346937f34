"""Images of which a caller has told the true class, as a folder of classes to train on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Row, func, select

from database.database import Database
from database.errors import CannotExport
from database.models import Feedback, Image, Response

BATCH = 200  # images in memory


@dataclass(frozen=True)
class Exported:
    """What became of the images with feedback.

    Attributes:
        written: how many are in the folder now.
        disputed: how many were left out because they are said to be of several classes.
        missing: how many were left out because they were not kept.
    """

    written: int
    disputed: int
    missing: int


def export(database: Database, folder: Path) -> Exported:
    """Write each image to the sub-folder of the class that it is said to be of.

    An image is a PNG file that is named by the SHA-256 of its pixels. So it is written once, goes
    to another class when callers say so, and goes away when they come to differ; other files in
    the folder stay as they are.

    Raises:
        CannotExport: the folder cannot be written, or a class can have no folder of its name.
        DatabaseAway, WrongSchema: the database cannot be used.
    """
    classes = _classes(database)
    agreed = {sha256: label for sha256, (label, disputed) in classes.items() if not disputed}
    written = 0
    try:
        for sha256 in classes.keys() - agreed.keys():
            _remove(folder, f"{sha256}.png")
        for sha256, png in _images(database, sorted(agreed)):
            _put(folder, agreed[sha256], f"{sha256}.png", png)
            written += 1
    except OSError as error:
        raise CannotExport(f"{error.filename} cannot be written: {error.strerror}") from error
    return Exported(written, len(classes) - len(agreed), len(agreed) - written)


def _classes(database: Database) -> dict[str, tuple[str, bool]]:
    """By the hash of each image, a class that it is said to be of, and whether there are more."""
    query = (
        select(Response.image_sha256, func.min(Feedback.label), func.max(Feedback.label))
        .join(
            Feedback,
            (Feedback.request_id == Response.request_id) & (Feedback.position == Response.position),
        )
        .group_by(Response.image_sha256)
    )
    with database.session() as session:
        return {sha256: (low, low != high) for sha256, low, high in session.execute(query)}


def _images(database: Database, digests: Sequence[str]) -> Iterator[Row[str, bytes]]:
    """The hashes and the PNG files of those that were kept."""
    for begin in range(0, len(digests), BATCH):
        some = digests[begin : begin + BATCH]
        with database.session() as session:
            query = select(Image.sha256, Image.png).where(Image.sha256.in_(some))
            found = session.execute(query).all()
        yield from found


def _put(folder: Path, label: str, name: str, png: bytes) -> None:
    if not label or label.startswith(".") or Path(label).name != label:
        raise CannotExport(f"a class {label!r} can have no folder of its name")
    (folder / label).mkdir(parents=True, exist_ok=True)
    _remove(folder, name, but=label)
    unfinished = folder / label / f".{name}"  # which is no image to who reads the folder
    unfinished.write_bytes(png)
    unfinished.replace(folder / label / name)


def _remove(folder: Path, name: str, but: str = "") -> None:
    """Delete an image from all classes but one."""
    for path in folder.glob(f"*/{name}"):
        if path.parent.name != but:
            path.unlink()

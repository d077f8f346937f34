"""Groups of images that a person named in a CSV file, and how well each of them is answered."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from images.dataset import Dataset
from intervals.wilson import Estimate, proportion
from testing.errors import WrongSlices

HEADER = ["path", "slice"]
NAMED = 5  # unknown images that an error names

Members = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Row:
    """A row of the file.

    Attributes:
        line: where it ends, counted from 1.
        path: the name of an image.
        slice: a group that it belongs to.
    """

    line: int
    path: str
    slice: str


@dataclass(frozen=True)
class SliceScores:
    """The figures of one group.

    Attributes:
        images: how many of its images are held out.
        elsewhere: how many do not count, as they are in other parts of the data or repeat another.
        accuracy: of those held out, the part that is answered rightly.
        production: the same of the model in production, on the images of classes that it knows;
            None if there is no such model or image.
    """

    images: int
    elsewhere: int
    accuracy: Estimate
    production: Estimate | None


def read(path: Path, data: Dataset) -> Members:
    """The images of each slice by name, slices in the order of the file.

    Rows of images that are in the data's folder and cannot be read are left out.

    Raises:
        WrongSlices: the file cannot be read, is no such table, is empty, or names images that
            ``data`` lacks; the message names line and column.
    """
    known = {skipped.name for skipped in data.skipped}.union(data.names)
    rows = [_named_as(row, known) for row in _rows(path, _text(path))]
    if not rows:
        raise WrongSlices(f"{path} has no row below its header: name an image and its slice")
    unreadable = {skipped.name for skipped in data.skipped}
    _refuse_unknown(path, rows, known, data.source)
    members: dict[str, set[str]] = {}
    for row in rows:
        members.setdefault(row.slice, set()).update({row.path} - unreadable)
    return {name: frozenset(images) for name, images in members.items()}


def score(
    members: Members,
    names: Sequence[str],
    right: npt.NDArray[np.bool_],
    rival: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None,
    level: float,
) -> dict[str, SliceScores]:
    """Score each slice.

    Args:
        members: the images of each slice.
        names: the names of the N held-out images.
        right: which of them the candidate answers rightly, bool[N].
        rival: which of them production answers rightly, and which are of a class that it knows,
            both bool[N].
        level: the confidence level, as 0.95.
    """
    scores = {}
    for name, images in members.items():
        inside = np.array([each in images for each in names], bool)
        held_out = int(inside.sum())
        scores[name] = SliceScores(
            images=held_out,
            elsewhere=len(images) - held_out,
            accuracy=_accuracy(right, inside, level),
            production=_accuracy(rival[0], inside & rival[1], level)
            if rival and (inside & rival[1]).any()
            else None,
        )
    return scores


def _accuracy(
    right: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_], level: float
) -> Estimate:
    return proportion(int((right & inside).sum()), int(inside.sum()), level)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongSlices(f"{path} cannot be read: {error.strerror}: check GATE_SLICES") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise WrongSlices(
            f"{path}, line {line}, byte {column}: this is not UTF-8: save the file as CSV in UTF-8"
        ) from None


def _rows(path: Path, text: str) -> Iterator[Row]:
    # Spreadsheets write semicolons wherever the comma is the decimal sign.
    delimiter = ";" if text.startswith(";".join(HEADER)) else ","
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        header = next(reader, [])
        if header != HEADER:
            found = ",".join(header)[:60]
            raise WrongSlices(
                f"{path}, line 1: the header must be `path,slice`, and is {found!r}: add that line"
            )
        for fields in reader:
            if any(fields):  # spreadsheets leave empty rows below the others
                yield _row(path, reader.line_num, fields)
    except csv.Error as error:
        raise WrongSlices(f"{path}, line {max(1, reader.line_num)}: {error}: correct it") from None


def _row(path: Path, line: int, fields: Sequence[str]) -> Row:
    if len(fields) != len(HEADER):
        raise WrongSlices(
            f"{path}, line {line}: two columns are wanted, and {len(fields)} found: put a name "
            "with a comma between double quotes"
        )
    for column, (heading, field) in enumerate(zip(HEADER, fields, strict=True), 1):
        if not field.strip():
            raise WrongSlices(f"{path}, line {line}, column {column} ({heading}): it is empty")
    return Row(line, *fields)


def _named_as(row: Row, known: set[str]) -> Row:
    """The row with its path as data sets write it, if Windows' way names an image."""
    slashed = row.path.replace("\\", "/")
    return replace(row, path=slashed) if row.path not in known and slashed in known else row


def _refuse_unknown(path: Path, rows: Sequence[Row], known: set[str], source: str) -> None:
    unknown = [row for row in rows if row.path not in known]
    if not unknown:
        return
    listed = ", ".join(f"line {row.line}: {row.path[:60]!r}" for row in unknown[:NAMED])
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    raise WrongSlices(
        f"{path}, column 1 (path): {len(unknown)} of {len(rows)} rows name no image of {source}: "
        f"{listed}{more}: write paths below that folder, as 'cat/1.png'"
    )

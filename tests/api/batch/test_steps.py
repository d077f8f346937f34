"""What a block goes through, and what becomes of a failure on the way."""

from dataclasses import replace
from pathlib import Path

import pytest

from api.batch.errors import BatchError
from api.batch.ledger import Block, Job, Ledger, opened
from api.batch.places import Folder, Item
from api.batch.steps import Reader, Row, Scorer, packed
from api.holder import Snapshot


class Given:
    """A model that is there already, or a reason why there is none."""

    def __init__(self, job: Job, snapshot: Snapshot | None) -> None:
        self.job = job
        self._snapshot = snapshot

    def load(self, _: object) -> Snapshot:
        if self._snapshot is None:
            raise BatchError("there is no model")
        return self._snapshot


@pytest.fixture
def ledger(tmp_path: Path, source: Path, job: Job) -> Ledger:
    """A batch that was begun."""
    with opened(tmp_path / "output") as ledger:
        ledger.begin(job, sorted(Folder(source).list(), key=lambda item: item.name))
    return ledger


def scorer(ledger: Ledger, job: Job, snapshot: Snapshot | None) -> Scorer:
    return Scorer(ledger, Given(job, snapshot), 8)  # type: ignore[arg-type]


def row(ledger: Ledger, job: Job, place: Folder) -> Row:
    *_, last = ledger.blocks(job)
    return Reader(place)(packed(last))


def test_a_block_is_committed_and_counted(
    ledger: Ledger, job: Job, source: Path, snapshot: Snapshot
) -> None:
    counts = scorer(ledger, job, snapshot)(row(ledger, job, Folder(source)))
    assert counts == {"images": 1, "answered": 0, "failure": ""}
    *_, last = ledger.blocks(job)
    found = ledger.finished(job, last)
    assert found
    assert "truncated" in (found[0].reason or "")


def test_a_place_that_is_away_is_told_and_nothing_is_committed(
    ledger: Ledger, job: Job, tmp_path: Path, snapshot: Snapshot
) -> None:
    away = row(ledger, job, Folder(tmp_path / "away"))
    counts = scorer(ledger, job, snapshot)(away)
    assert "away cannot be read" in counts.pop("failure")
    assert counts == {"images": 0, "answered": 0}
    assert all(ledger.finished(job, block) is None for block in ledger.blocks(job))


def test_a_model_that_cannot_be_had_is_told(ledger: Ledger, job: Job, source: Path) -> None:
    counts = scorer(ledger, job, None)(row(ledger, job, Folder(source)))
    assert counts["failure"] == "there is no model"


def test_a_folder_that_cannot_be_written_is_told(
    ledger: Ledger, job: Job, source: Path, snapshot: Snapshot
) -> None:
    elsewhere = replace(ledger, folder=source / "damaged.png")
    counts = scorer(elsewhere, job, snapshot)(row(ledger, job, Folder(source)))
    assert "cannot be written: Not a directory" in counts["failure"]


def test_a_row_takes_names_that_are_no_unicode(source: Path) -> None:
    packing = packed(Block(3, (Item("\udcff.png"),)))
    assert Reader(Folder(source))(packing)["failure"] == ""

"""The service's own means, on files."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from api.batch import scoring
from api.batch.places import Folder, Item
from api.holder import Snapshot


def test_files_are_read_in_order_with_their_hashes_and_the_faults_of_each(source: Path) -> None:
    (source / "notes.txt").write_text("hello")
    names = ["notes.txt", "1/3.png", "gone.png", "damaged.png", "0/2.png"]
    drafts, images = scoring.prepare(Folder(source), map(Item, names))
    assert [draft.path for draft in drafts] == names
    digests = [hashlib.sha256((source / name).read_bytes()).hexdigest() for name in names[:2]]
    assert [draft.sha256 for draft in drafts[:2]] == digests
    assert drafts[2].sha256 is None
    reasons = [draft.reason for draft in drafts]
    assert reasons[0] == "this is not a PNG, JPEG, WebP or BMP file"
    assert reasons[1] is reasons[4] is None
    assert images[:, 0, 0, 0].tolist() == [3, 2]


@pytest.mark.parametrize("max_batch", [1, 2, 3, 8])
def test_answers_are_those_of_the_snapshot_whatever_the_batch(
    snapshot: Snapshot, max_batch: int
) -> None:
    images = np.arange(5, dtype=np.uint8).repeat(128 * 128 * 3).reshape(5, 128, 128, 3)
    drafts = [scoring.Draft(str(index), "", None) for index in range(5)]
    drafts.insert(2, scoring.Draft("damaged", None, "why"))
    found = scoring.answer(snapshot, drafts, images, max_batch)
    assert [result.index for result in found] == [0, 1, None, 2, 3, 4]
    assert [result.reason for result in found if result.reason] == ["why"]
    assert {result.version for result in found} == {snapshot.version}

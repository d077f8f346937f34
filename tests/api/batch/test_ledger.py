"""A batch goes on after any interruption, with exactly one result for each file."""

import os
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.batch import results, scoring
from api.batch.errors import Busy, OtherBatch, Unwritable
from api.batch.ledger import Asked, Job, opened
from api.batch.places import Folder, Item
from api.batch.results import Result
from api.holder import Snapshot

# What a process does to files, as `sys.addaudithook` tells of it.
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "fcntl.flock"}


def run(output: Path, source: Path, job: Job, snapshot: Snapshot) -> None:
    """Begin a batch, or go on with it, in this process."""
    place = Folder(source)
    with opened(output) as ledger:
        if not ledger.job(job.asked):
            ledger.begin(job, sorted(place.list(), key=lambda item: item.name))
        for block in ledger.blocks(job):
            if ledger.finished(job, block) is None:
                drafts, images = scoring.prepare(place, block.items)
                ledger.commit(job, block, scoring.answer(snapshot, drafts, images, 8))
        ledger.complete()


def killed_after(steps: int, output: Path, source: Path, job: Job, snapshot: Snapshot) -> bool:
    """Run in another process, which is killed before that many steps are over, if it has them."""
    pid = os.fork()
    if pid == 0:
        left = steps

        def count(event: str, _: object) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            run(output, source, job, snapshot)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def found(output: Path) -> list[Result]:
    """All results in a folder, read as anybody would."""
    return [
        result
        for path in sorted((output / "results").glob("*"))
        for result in results.load("jsonl", path) or []
    ]


def test_a_batch_that_is_killed_at_any_step_goes_on_to_the_same_results(
    tmp_path: Path, source: Path, job: Job, snapshot: Snapshot
) -> None:
    run(tmp_path / "whole", source, job, snapshot)
    expected = found(tmp_path / "whole")
    assert len(expected) == 7
    steps, killed = 0, True
    while killed:
        output = tmp_path / f"killed-{steps}"
        killed = killed_after(steps, output, source, job, snapshot)
        if steps % 5 == 0:  # and again on the way
            killed_after(steps // 2, output, source, job, snapshot)
        run(output, source, job, snapshot)
        assert found(output) == expected
        assert sorted(path.name for path in output.rglob(".*")) == []
        steps += 1
    assert steps > 30


def test_every_file_has_one_result_and_the_damaged_one_a_reason(
    tmp_path: Path, source: Path, job: Job, snapshot: Snapshot
) -> None:
    run(tmp_path / "output", source, job, snapshot)
    by_path = {result.path: result for result in found(tmp_path / "output")}
    assert by_path["1/5.png"].index == 5
    assert by_path["1/5.png"].label == "class 5"
    assert by_path["1/5.png"].confidence == pytest.approx(0.75)
    assert "truncated" in (by_path["damaged.png"].reason or "")
    assert by_path["damaged.png"].index is None
    assert by_path["damaged.png"].sha256
    assert Counter(result.reason is None for result in by_path.values()) == {True: 6, False: 1}


def test_what_comes_or_goes_after_the_beginning_changes_nothing_of_the_rest(
    tmp_path: Path, source: Path, job: Job, snapshot: Snapshot
) -> None:
    output = tmp_path / "output"
    assert killed_after(36, output, source, job, snapshot)
    assert 0 < len(found(output)) < 7
    before = found(output)
    (source / "0" / "new.png").touch()
    (source / "damaged.png").unlink()
    run(output, source, job, snapshot)
    after = found(output)
    assert after[: len(before)] == before
    assert len({result.path for result in after}) == len(after) == 7
    assert "No such file" in (after[-1].reason or "")


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b'{"path": "x"}\n', None])
def test_a_block_that_is_not_whole_is_scored_again(
    tmp_path: Path, source: Path, job: Job, snapshot: Snapshot, damage: bytes | None
) -> None:
    output = tmp_path / "output"
    run(output, source, job, snapshot)
    expected = found(output)
    part = output / "results" / "part-000001.jsonl"
    part.write_bytes(part.read_bytes().splitlines()[0] if damage is None else damage)
    run(output, source, job, snapshot)
    assert found(output) == expected


@settings(max_examples=30)
@given(st.lists(st.binary(min_size=1, max_size=8), max_size=30), st.integers(1, 9))
def test_blocks_are_the_list_whatever_the_names(names: list[bytes], size: int) -> None:
    items = [Item(os.fsdecode(name), 1, 2) for name in names]
    asked = Asked("source", "jsonl", None, size, "follow", "auto", "auto")
    job = Job(asked, "a" * 64, "onnx", "float32", 0.0, len(items))
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as ledger:
        ledger.begin(job, items)
        assert ledger.job(asked) == job
        blocks = list(ledger.blocks(job))
    assert [item for block in blocks for item in block.items] == items
    assert [block.number for block in blocks] == list(range(len(blocks)))
    assert all(len(block.items) == size for block in blocks[:-1])


def test_a_batch_for_something_else_is_not_gone_on_with(
    tmp_path: Path, source: Path, job: Job, snapshot: Snapshot
) -> None:
    run(tmp_path / "output", source, job, snapshot)
    other = replace(job.asked, source="elsewhere", threshold=0.5)
    with opened(tmp_path / "output") as ledger, pytest.raises(OtherBatch) as refused:
        ledger.job(other)
    assert "source source, not elsewhere and threshold None, not 0.5" in str(refused.value)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, job: Job) -> None:
    (tmp_path / "thesis.tex").touch()
    with opened(tmp_path) as ledger, pytest.raises(OtherBatch, match="a folder of its own"):
        ledger.job(job.asked)


def test_one_process_at_a_time_works_on_a_batch(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(Busy, match="another process is scoring into"):
        opened(tmp_path).__enter__()
    with opened(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unwritable, match=r"file/output cannot be written: Not a directory"):
        opened(tmp_path / "file" / "output").__enter__()

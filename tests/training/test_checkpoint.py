"""A checkpoint comes back as it was written, whole, whatever is interrupted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from training import checkpoint
from training.checkpoint import Checkpoint
from training.errors import WorkUnwritable
from training.history import History

arrays = st.lists(
    npst.arrays(st.sampled_from([np.float32, np.float16, np.int64]), npst.array_shapes(min_dims=0)),
    max_size=12,
)
shares = st.lists(st.floats(0, 1), max_size=5).map(tuple)


def test_there_is_none_before_the_first_epoch(tmp_path: Path) -> None:
    assert checkpoint.read(tmp_path / "checkpoint.npz") is None


@given(reached=shares, losses=shares, variables=arrays, best=arrays)
def test_it_comes_back_as_it_was(tmp_path_factory, reached, losses, variables, best) -> None:
    path = tmp_path_factory.mktemp("run") / "checkpoint.npz"
    written = Checkpoint(reached, History({"val_loss": losses}), variables, best)
    checkpoint.write(written, path)
    read = checkpoint.read(path)
    assert read is not None
    assert (read.reached, read.history) == (written.reached, written.history)
    for before, after in ((variables, read.variables), (best, read.best)):
        assert [array.dtype for array in before] == [array.dtype for array in after]
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("damage", ["empty", "garbage", "truncated"])
def test_one_that_cannot_be_read_is_none(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "checkpoint.npz"
    checkpoint.write(Checkpoint((), History({"val_loss": (1.0,)}), [np.zeros(99)], []), path)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "garbage": b"garbage", "truncated": whole[:-300]}[damage])
    assert checkpoint.read(path) is None
    assert f"{path} is ignored" in caplog.text


def test_without_room_the_one_before_stays(
    tmp_path: Path, files_up_to: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "checkpoint.npz"
    first = Checkpoint((), History({"val_loss": (1.0,)}), [np.zeros(2)], [])
    checkpoint.write(first, path)
    fault = "TRAIN_WORK: .*checkpoint.npz cannot be written: File too large: make room"
    with files_up_to(10_000), pytest.raises(WorkUnwritable, match=fault):
        checkpoint.write(replace(first, variables=[np.zeros(10_000)]), path)
    read = checkpoint.read(path)
    assert read is not None
    assert [array.size for array in read.variables] == [2]
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_what_a_killed_writer_left_is_ignored_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    first = Checkpoint((), History({"val_loss": (1.0,)}), [np.zeros(2)], [])
    checkpoint.write(first, path)
    (tmp_path / "unfinished-checkpoint.npz").write_bytes(b"half a checkpoint")
    read = checkpoint.read(path)
    assert read is not None
    assert read.history == first.history
    checkpoint.write(first, path)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]

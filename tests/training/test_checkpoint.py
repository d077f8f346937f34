"""A checkpoint comes back as it was written, whole, whatever is interrupted."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from training import checkpoint
from training.checkpoint import Checkpoint
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


def test_what_a_killed_writer_left_is_ignored_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    first = Checkpoint((), History({"val_loss": (1.0,)}), [np.zeros(2)], [])
    checkpoint.write(first, path)
    path.with_suffix(".tmp").write_bytes(b"half a checkpoint")
    read = checkpoint.read(path)
    assert read is not None
    assert read.history == first.history
    checkpoint.write(first, path)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]

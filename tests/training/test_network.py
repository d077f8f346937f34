"""Every network loads in safe mode and answers probabilities."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import keras
import numpy as np
import pytest

from classifier.load import load
from training import network
from training.errors import WorkUnwritable
from training.save import save


@pytest.mark.parametrize("blocks", range(1, 6))
def test_it_survives_saving(tmp_path: Path, blocks: int) -> None:
    built = network.build(4, blocks)
    path = tmp_path / "best_model.hdf5"
    save(built, path)
    images = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8)
    answers = load(path, 4).predict(images)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(answers, np.asarray(built(images)), atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["best_model.hdf5"]


def test_without_room_the_file_before_stays(
    tmp_path: Path, files_up_to: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "best_model.hdf5"
    path.write_bytes(b"the one before")
    with files_up_to(10_000), pytest.raises(WorkUnwritable, match=r"best_model.hdf5 cannot be"):
        save(network.build(4, 1), path)
    assert path.read_bytes() == b"the one before"
    assert [file.name for file in tmp_path.iterdir()] == ["best_model.hdf5"]


def test_saving_warns_of_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(network.build(2, 1), tmp_path / "best_model.hdf5")
    assert caplog.records == []


def test_a_block_adds_a_convolution() -> None:
    counts = [
        sum(isinstance(layer, keras.layers.Conv2D) for layer in network.build(2, blocks).layers)
        for blocks in range(1, 6)
    ]
    assert counts == [2, 3, 4, 5, 6]


def test_a_mixed_network_answers_float32_and_shares_weights_with_a_plain_one() -> None:
    mixed, plain = network.build(2, 2, "mixed_float16"), network.build(2, 2)
    assert mixed.outputs[0].dtype == "float32"
    plain.set_weights(mixed.get_weights())
    assert keras.config.dtype_policy().name == "float32"

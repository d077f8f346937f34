"""A run's folder is its own: named by what is run, held while it runs."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from registry.card import Card
from training.errors import AlreadyRunning, WorkUnwritable
from training.workspace import key, workspace


def test_equal_runs_have_equal_names() -> None:
    assert key({"epochs": 1, "seed": 2}, "data", "") == key({"seed": 2, "epochs": 1}, "data", "")


@pytest.mark.parametrize(
    ("arguments", "fingerprint", "base"),
    [({"epochs": 2}, "data", ""), ({"epochs": 1}, "more", ""), ({"epochs": 1}, "data", "v1")],
)
def test_other_runs_have_other_names(
    arguments: dict[str, Any], fingerprint: str, base: str
) -> None:
    assert key(arguments, fingerprint, base) != key({"epochs": 1}, "data", "")


def test_a_run_is_held_against_others(tmp_path: Path) -> None:
    with workspace(tmp_path, "run"):
        with pytest.raises(AlreadyRunning, match="another process"), workspace(tmp_path, "run"):
            pass
        with workspace(tmp_path, "another run"):
            pass
    with workspace(tmp_path, "run"):
        pass


def test_a_finished_run_has_its_card(
    tmp_path: Path, make_model: Callable[..., Path], make_card: Callable[..., Card]
) -> None:
    model = make_model()
    card = make_card(model)
    with workspace(tmp_path, "run") as space:
        assert space.card is None
        shutil.copy(model, space.model)
        space.finish(card)
        assert space.card == card
        space.finish(replace(card, threshold=0.5))
        assert space.card == replace(card, threshold=0.5)
        space.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damaged", ["card.json", "best_model.hdf5"])
@pytest.mark.parametrize("content", [b"", b"{", None])
def test_a_damaged_result_is_none(
    tmp_path: Path,
    make_model: Callable[..., Path],
    make_card: Callable[..., Card],
    caplog: pytest.LogCaptureFixture,
    damaged: str,
    content: bytes | None,
) -> None:
    model = make_model()
    with workspace(tmp_path, "run") as space:
        shutil.copy(model, space.model)
        space.finish(make_card(model))
        if content is None:
            (space.folder / damaged).unlink()
        else:
            (space.folder / damaged).write_bytes(content)
        assert space.card is None
        told = f"{space.folder / 'card.json'} is ignored" in caplog.text
        assert told or not (space.folder / "card.json").exists()


@pytest.mark.parametrize("folder", ["file", "file/below", "x" * 300])
def test_an_impossible_folder_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(WorkUnwritable, match=r"TRAIN_WORK: .* cannot be written"),
        workspace(tmp_path / folder, "run"),
    ):
        pass


ENTER_AND_REMOVE = """
import sys
from pathlib import Path
from training.errors import AlreadyRunning
from training.workspace import workspace

for _ in range(1000):
    try:
        with workspace(Path(sys.argv[1]), "run") as space:
            assert space.folder.exists(), "a folder is held that is gone"
            space.model.write_bytes(b"")
            space.remove()
    except AlreadyRunning:
        pass
"""


def test_nobody_holds_a_folder_that_is_gone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENTER_AND_REMOVE, str(tmp_path / "work")]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[1] for process in processes] == ["", "", ""]
    assert list((tmp_path / "work").iterdir()) == []

"""A run's folder is its own: named by what is run, held while it runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from registry.card import Card
from training.errors import AlreadyRunning
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
    card = make_card(make_model())
    with workspace(tmp_path, "run") as space:
        assert space.card is None
        space.finish(card)
        assert space.card == card
        space.finish(replace(card, threshold=0.5))
        assert space.card == replace(card, threshold=0.5)
        space.remove()
    assert list(tmp_path.iterdir()) == []

"""kill -9 at every step that a change of a registry in a folder takes on disk."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.local import LocalBackend
from registry.record import Stage
from registry.store import Registry
from tests.registry.samples import Sample, approved, sample

ROOT = Path(__file__).parents[2]


@pytest.fixture
def models(tmp_path: Path) -> list[Sample]:
    return [sample(tmp_path, seed) for seed in range(3)]


def opened(folder: Path) -> Registry:
    return Registry(LocalBackend(folder, timeout=5), "survivor@host")


def prepared(folder: Path, models: list[Sample], promotions: int) -> Registry:
    """A registry with two approved versions, the first so many of which were promoted."""
    registry = opened(folder)
    for one in models[:2]:
        approved(registry, one)
    for one in models[:promotions]:
        registry.promote(one.version, registry.current("production"), "before")
    return registry


def remains(action: str, template: Path, out: Path) -> Iterator[Path]:
    """The registry's folder after each death, and last the one without."""
    out.mkdir()
    subprocess.run(
        [sys.executable, "-m", "tests.registry.dying", action, str(template), str(out)],
        cwd=ROOT,
        check=True,
    )
    yield from sorted(out.glob("???"))


def held(folder: Path, stage: Stage) -> str:
    """The version in a stage, after a check that other programs see that very file whole."""
    state = opened(folder).current(stage)
    path = folder / stage / "best_model.hdf5"
    if state is None:
        assert not path.exists()
        return ""
    assert hashlib.sha256(path.read_bytes()).hexdigest() == state.record.version
    return state.record.version


def leftovers(folder: Path) -> set[str]:
    """Hidden files that are not the current generation of a stage."""
    current = {path.resolve().parent for path in folder.glob("*/best_model.hdf5")}
    hidden = [path for path in folder.rglob(".*") if path.name != ".best_model.hdf5"]
    generations = folder.glob("*/.best_model.hdf5/*")
    return {str(path) for path in [*hidden, *generations] if path not in current}


@pytest.mark.parametrize("promotions", [0, 1])
def test_killed_promotions(tmp_path: Path, models: list[Sample], promotions: int) -> None:
    first, second, third = models
    prepared(tmp_path / "template", models, promotions)
    old = first.version if promotions else ""
    seen = []
    for folder in remains("promote", tmp_path / "template", tmp_path / "out"):
        seen.append(held(folder, "production"))
        registry = opened(folder)
        records = registry.history("production")
        assert len(records) == promotions + (seen[-1] == second.version)
        if records:
            assert registry.verify() == []
        against = registry.current("production")
        registry.promote(approved(registry, third), against, "after")
        assert held(folder, "production") == third.version
        assert len(registry.history("production")) == len(records) + 1
        assert registry.verify() == []
        assert leftovers(folder) == set()
    assert set(seen) == {old, second.version}
    assert seen == sorted(seen, key=[old, second.version].index)
    assert len(seen) > 20


def test_killed_rollbacks(tmp_path: Path, models: list[Sample]) -> None:
    first, second, _ = models
    prepared(tmp_path / "template", models, promotions=2)
    seen = []
    for folder in remains("rollback", tmp_path / "template", tmp_path / "out"):
        seen.append(held(folder, "production"))
        registry = opened(folder)
        assert registry.verify() == []
        other = first.version if seen[-1] == second.version else second.version
        registry.rollback("after", to=other)
        assert held(folder, "production") == other
        assert registry.verify() == []
        assert leftovers(folder) == set()
    assert set(seen) == {first.version, second.version}


def test_killed_publishes(tmp_path: Path, models: list[Sample]) -> None:
    _, second, third = models
    prepared(tmp_path / "template", models, promotions=1)
    seen = []
    for folder in remains("publish", tmp_path / "template", tmp_path / "out"):
        seen.append(held(folder, "testing"))
        registry = opened(folder)
        registry.publish(third.path, third.card, "again")
        assert held(folder, "testing") == third.version
        assert registry.versions()[-1] == third.version
        assert registry.verify() == []
        assert leftovers(folder) == set()
    assert set(seen) == {second.version, third.version}


def test_a_killed_gate_leaves_a_whole_verdict_or_none(tmp_path: Path, models: list[Sample]) -> None:
    third = models[2]
    registry = prepared(tmp_path / "template", models, promotions=1)
    registry.publish(third.path, third.card, "new")
    counts = []
    for folder in remains("judge", tmp_path / "template", tmp_path / "out"):
        registry = opened(folder)
        counts.append(len(registry.verdicts(third.version)))
        assert registry.verify() == []
    assert counts == sorted(counts)
    assert set(counts) == {0, 1}

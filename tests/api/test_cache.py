"""What the cache on disk does when it cannot be read or written."""

from pathlib import Path

import pytest

from api.cache import Cache, LastServed
from api.errors import CacheUnwritable
from registry.errors import NotFound
from registry.record import StageRecord, StageState

VERSION = "a" * 64
RECORD = StageRecord(
    "production", VERSION, "", 7, "op", "promote", "gate@host", "2026-01-01T00:00:00Z", "good"
)
SERVED = LastServed("file:registry", VERSION, StageState(RECORD, 1))


def test_nothing_is_left_of_a_note_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "last_served.json").mkdir()
    with pytest.raises(CacheUnwritable, match=f"MODEL_CACHE={tmp_path} cannot be written"):
        Cache(tmp_path).remember(SERVED)
    assert [path.name for path in tmp_path.iterdir()] == ["last_served.json"]


@pytest.mark.parametrize("error", [NotFound("it is gone"), OSError(28, "No space left")])
def test_nothing_is_left_of_a_model_that_cannot_be_added(tmp_path: Path, error: Exception) -> None:
    def fetch(target: Path) -> None:
        target.write_bytes(b"half")
        raise error

    with pytest.raises((NotFound, CacheUnwritable)):
        Cache(tmp_path).add(VERSION, fetch)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_is_not_there(tmp_path: Path) -> None:
    for name in ("best_model.hdf5", "evidence.json"):
        (tmp_path / VERSION / name).mkdir(parents=True)
    (tmp_path / "last_served.json").mkdir()
    cache = Cache(tmp_path)
    assert cache.find(VERSION) is None
    assert cache.evidence(VERSION) is None
    assert cache.recall() is None


def test_a_cache_that_is_not_there_yet_needs_no_pruning(tmp_path: Path) -> None:
    Cache(tmp_path / "cache").prune(set())

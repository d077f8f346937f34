"""The rules of the registry over real HTTP: answers that are lost, writers that are killed."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry.errors import Conflict
from registry.gcs import GCSBackend
from registry.record import StageState
from registry.store import Registry
from tests.gcs.gcs_process import GCSServer
from tests.registry.samples import Sample, approved, sample

ROOT = Path(__file__).parents[2]
Action = Callable[[Registry, Sample], StageState]


def opened(bucket: str, prefix: str) -> Registry:
    return Registry(GCSBackend(bucket, prefix, timeout=6), "tester@host")


def publish(registry: Registry, third: Sample) -> StageState:
    return registry.publish(third.path, third.card, "third")


def promote(registry: Registry, third: Sample) -> StageState:
    return registry.promote(approved(registry, third), registry.current("production"), "third")


def rollback(registry: Registry, third: Sample) -> StageState:
    return registry.rollback("bad")


@pytest.mark.parametrize(
    ("kind", "when"), [("503", "before"), ("503", "after"), ("reset", "after")]
)
@pytest.mark.parametrize("action", [publish, promote, rollback])
def test_no_win_is_reported_as_a_loss(
    gcs_server: GCSServer, gcs_bucket: str, tmp_path: Path, action: Action, kind: str, when: str
) -> None:
    first, second, third = (sample(tmp_path, seed) for seed in range(3))
    writes = 0
    struck = True
    while struck:
        registry = opened(gcs_bucket, str(writes))
        for one in (first, second):
            version = approved(registry, one)
            registry.promote(version, registry.current("production"), "before")
        gcs_server.fail(kind=kind, when=when, skip=writes)
        state = action(registry, third)
        struck = gcs_server.behave() == 0
        assert registry.current(state.record.stage) == state
        assert state.record.version == (first if action is rollback else third).version
        assert registry.history(state.record.stage)[0] == state.record
        assert registry.verify() == []
        writes += 1
    assert writes > 2


@pytest.mark.parametrize("kind", ["503", "reset"])
def test_no_loss_is_reported_as_a_win(
    gcs_server: GCSServer, gcs_bucket: str, tmp_path: Path, kind: str
) -> None:
    registry = opened(gcs_bucket, "models")
    versions = [approved(registry, sample(tmp_path, seed)) for seed in range(6)]

    def promote(version: str) -> StageState | Conflict:
        try:
            return opened(gcs_bucket, "models").promote(version, against, "best")
        except Conflict as conflict:
            return conflict

    for _ in range(3):
        against = registry.current("production")
        gcs_server.fail(operation="objects.rewrite", kind=kind, when="after", times=3)
        with ThreadPoolExecutor(len(versions)) as pool:
            outcomes = list(pool.map(promote, versions))
        assert gcs_server.behave() == 0
        [winner] = [each for each in outcomes if isinstance(each, StageState)]
        assert registry.current("production") == winner
        losses = [each for each in outcomes if isinstance(each, Conflict)]
        assert {each.winner for each in losses} == {winner.record}
    assert [record.sequence for record in registry.history("production")] == [3, 2, 1]
    assert registry.verify() == []


@pytest.mark.parametrize(
    ("action", "promotions"), [("publish", 1), ("promote", 1), ("rollback", 2)]
)
def test_a_killed_writer_leaves_the_old_or_the_new_whole(
    gcs_bucket: str, tmp_path: Path, action: str, promotions: int
) -> None:
    command = [sys.executable, "-m", "tests.registry.dying_on_gcs"]
    steps = subprocess.run(
        [*command, action, gcs_bucket, str(promotions)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    first, second, third = (sample(tmp_path, seed) for seed in range(3))
    old, new = {
        "publish": (second, third),
        "promote": (first, second),
        "rollback": (second, first),
    }[action]
    seen = []
    for step in range(1, int(steps.stdout) + 1):
        registry = opened(gcs_bucket, f"{step:03d}")
        state = registry.current("testing" if action == "publish" else "production")
        assert state
        seen.append(state.record.version)
        registry.fetch(state, tmp_path / "fetched.hdf5")
        registry.promote(approved(registry, third), registry.current("production"), "after")
        assert registry.verify() == []
    assert set(seen) == {old.version, new.version}
    assert seen == sorted(seen, key=[old.version, new.version].index)
    assert len(seen) > 5

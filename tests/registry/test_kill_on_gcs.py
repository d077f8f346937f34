"""kill -9 before every request that a change of a registry in a bucket takes."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.gcs import GCSBackend
from registry.store import Registry
from tests.gcs.gcs_process import GCSServer
from tests.registry.dying_on_gcs import LARGE
from tests.registry.samples import Sample, approved, sample

ROOT = Path(__file__).parents[2]
MiB = 2**20


def opened(bucket: str, step: int) -> Registry:
    return Registry(GCSBackend(bucket, f"{step:03d}", timeout=20), "survivor@host")


@pytest.fixture
def models(tmp_path: Path) -> list[Sample]:
    return [sample(tmp_path, seed) for seed in range(3)]


def deaths(action: str, bucket: str, promotions: int) -> list[str]:
    """What was about to be sent at each death."""
    command = [sys.executable, "-m", "tests.registry.dying_on_gcs", action, bucket, str(promotions)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("action", "promotions"), [("publish", 1), ("promote", 1), ("rollback", 2)]
)
def test_a_killed_writer_leaves_the_old_or_the_new_whole(
    gcs_bucket: str, tmp_path: Path, models: list[Sample], action: str, promotions: int
) -> None:
    first, second, third = models
    old, new = {
        "publish": (second, third),
        "promote": (first, second),
        "rollback": (second, first),
    }[action]
    requests = deaths(action, gcs_bucket, promotions)
    seen = []
    for step in range(1, len(requests) + 2):
        registry = opened(gcs_bucket, step)
        state = registry.current("testing" if action == "publish" else "production")
        assert state
        seen.append(state.record.version)
        registry.fetch(state, tmp_path / "fetched.hdf5")
        registry.promote(approved(registry, third), registry.current("production"), "after")
        assert registry.verify() == []
    assert set(seen) == {old.version, new.version}
    assert seen == sorted(seen, key=[old.version, new.version].index)
    assert [each.split()[0] for each in requests].count("GET") > 2
    assert sum("/rewriteTo/" in each for each in requests) == 1
    assert sum("uploadType=multipart" in each for each in requests) > 1


def test_a_killed_gate_leaves_a_whole_verdict_or_none(
    gcs_bucket: str, models: list[Sample]
) -> None:
    requests = deaths("judge", gcs_bucket, 1)
    counts = []
    for step in range(1, len(requests) + 2):
        registry = opened(gcs_bucket, step)
        counts.append(len(registry.verdicts(models[2].version)))
    assert counts == sorted(counts)
    assert set(counts) == {0, 1}


@pytest.fixture
def piecemeal(monkeypatch: pytest.MonkeyPatch) -> Iterator[GCSServer]:
    """A server that copies a large model in several requests."""
    server = GCSServer("--rewrite-bytes", str(3 * MiB))
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


def test_a_killed_sender_of_a_large_model_leaves_the_old_or_the_new_whole(
    piecemeal: GCSServer, tmp_path: Path, models: list[Sample]
) -> None:
    bucket = piecemeal.make_bucket()
    large = sample(tmp_path, 2, LARGE)
    requests = deaths("publish_large", bucket, 1)
    seen = []
    for step in range(1, len(requests) + 2):
        registry = opened(bucket, step)
        state = registry.current("testing")
        assert state
        seen.append(state.record.version)
        assert registry.publish(large.path, large.card, "again").record.version == large.version
    assert registry.verify() == []
    assert set(seen) == {models[1].version, large.version}
    assert seen == sorted(seen, key=[models[1].version, large.version].index)
    assert sum("uploadType=resumable" in each for each in requests) == 3  # to begin, two parts
    assert sum("/rewriteTo/" in each for each in requests) == 3

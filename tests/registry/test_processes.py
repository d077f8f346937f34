"""Several processes that change the same registry."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from process.settings import read
from registry.open import open_registry
from registry.settings import RegistrySettings
from tests.registry.samples import Sample, approved

ROOT = Path(__file__).parents[2]
PROCESSES = 5


@pytest.fixture(params=["local", "gcs"])
def _registry_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"file:{tmp_path / 'registry'}"
    if request.param == "gcs":
        url = f"gs://{request.getfixturevalue('gcs_bucket')}/models"
    monkeypatch.setenv("REGISTRY_URL", url)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)  # where they find the keys


def contender(version: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.registry.contender", version],
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("_registry_url")
def test_of_many_processes_that_promote_at_once_exactly_one_wins(
    samples: Callable[[int], list[Sample]],
) -> None:
    registry = open_registry(read(RegistrySettings), signing=True)
    versions = [approved(registry, one) for one in samples(PROCESSES)]
    contenders = [contender(version) for version in versions]
    for each in contenders:
        assert each.stdout
        assert each.stdout.readline() == "ready\n"
    for each in contenders:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    outcomes = [each.communicate()[0].split() for each in contenders]
    assert [each.returncode for each in contenders] == [0] * PROCESSES
    [winner] = registry.history("production")
    assert sorted(outcomes) == sorted(
        [["won", winner.operation], *[["lost", winner.operation]] * (PROCESSES - 1)]
    )
    assert winner.version == versions[outcomes.index(["won", winner.operation])]
    assert registry.verify() == []

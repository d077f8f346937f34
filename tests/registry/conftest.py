"""The registry on each back end, and samples to put into it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.backend import Backend
from registry.local import LocalBackend
from registry.memory import MemoryBackend
from registry.store import Registry
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, sample


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the disk: only a power cut would tell, and test_local.py sees to the syncing."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(params=["memory", "local", "gcs"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty registry's back end, each kind in turn."""
    if request.param == "memory":
        return MemoryBackend()
    if request.param == "gcs":
        gcs: Backend = request.getfixturevalue("gcs_backend")
        return gcs
    return LocalBackend(tmp_path / "registry")


@pytest.fixture
def registry(backend: Backend) -> Registry:
    """A registry with signatures, which holds to the same rules as one without."""
    return Registry(backend, actor="tester@host", trust=trust())


@pytest.fixture
def samples(tmp_path: Path) -> Callable[[int], list[Sample]]:
    """A maker of so many samples."""

    def make(count: int) -> list[Sample]:
        return [sample(tmp_path, seed) for seed in range(count)]

    return make

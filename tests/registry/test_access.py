"""A registry that may not be changed, may not be read, or is not there."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry import identity
from registry.backend import Backend
from registry.errors import Forbidden, Unreachable
from registry.gcs import GCSBackend
from registry.local import LocalBackend
from registry.store import Registry
from tests.gcs.gcs_process import GCSServer
from tests.registry.samples import Sample, approved, promoted, sample

Samples = Callable[[int], list[Sample]]


@contextmanager
def unprivileged() -> Iterator[None]:
    """Let permissions matter even where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user reaches, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "registry"


@contextmanager
def modes(folders: list[Path], mode: int) -> Iterator[None]:
    """Give folders a mode, and pretend not to be root."""
    for folder in folders:
        folder.chmod(mode)
    try:
        with unprivileged():
            yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


@contextmanager
def read_only_folder(folder: Path) -> Iterator[tuple[str, str]]:
    folders = [path for path in [folder, *folder.rglob("*")] if path.is_dir()]
    with modes(folders, 0o555):
        yield f"user {identity.user()}", str(folder)


@contextmanager
def read_only_bucket(server: GCSServer, bucket: str) -> Iterator[tuple[str, str]]:
    server.grant(bucket, "roles/storage.objectViewer")
    yield "anonymous", f"gs://{bucket}"


@pytest.mark.parametrize("kind", ["local", "gcs"])
def test_who_may_only_read_changes_nothing_and_is_told(
    request: pytest.FixtureRequest, public: Path, kind: str
) -> None:
    if kind == "gcs":
        backend: Backend = request.getfixturevalue("gcs_backend")
        bucket = request.getfixturevalue("gcs_bucket")
        read_only = read_only_bucket(request.getfixturevalue("gcs_server"), bucket)
    else:
        backend, read_only = LocalBackend(public), read_only_folder(public)
    registry = Registry(backend, "tester@host")
    one, two, three = (sample(public.parent, seed) for seed in range(3))
    for each in (three, one):
        state = promoted(registry, each)
    approved(registry, two)
    with read_only as (who, where):
        for change in (
            lambda: registry.promote(two.version, state, "better"),
            lambda: registry.rollback("worse", to=three.version),
            lambda: registry.publish(two.path, two.card, "again"),
        ):
            with pytest.raises(Forbidden) as refusal:
                change()
            assert who in str(refusal.value)
            assert where in str(refusal.value)
        assert registry.current("production") == state
        assert registry.verify() == []
        found = registry.doctor("gate")
        assert found.identity == who
        assert False in found.permissions.values()
        assert found.problems
        assert all(who in each and where in each for each in found.problems)
        found = registry.doctor("service")
        assert found.problems == ()
        assert None not in found.permissions.values()


def test_what_may_not_be_read_is_not_taken_for_empty(public: Path, samples: Samples) -> None:
    [one] = samples(1)
    registry = Registry(LocalBackend(public), "")
    registry.publish(one.path, one.card, "new")
    with modes([public / "versions", public / "testing"], 0o000):
        with pytest.raises(Forbidden, match=f"{public}/testing"):
            registry.current("testing")
        with pytest.raises(Forbidden, match=f"{public}/versions"):
            registry.versions()
        with pytest.raises(Forbidden, match=f"{public}/versions"):
            registry.card(one.version)
        assert any("read testing/" in each for each in registry.doctor().problems)


def nowhere(tmp_path: Path, _: pytest.MonkeyPatch) -> Backend:
    (tmp_path / "file").write_text("")
    return LocalBackend(tmp_path / "file")


def no_server(_: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    return GCSBackend("bucket", "models", timeout=0.5)


@pytest.mark.parametrize("make", [nowhere, no_server])
def test_what_is_not_there_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    samples: Samples,
    make: Callable[[Path, pytest.MonkeyPatch], Backend],
) -> None:
    [one] = samples(1)
    registry = Registry(make(tmp_path, monkeypatch), "")
    with pytest.raises(Unreachable):
        registry.publish(one.path, one.card, "new")
    [problem] = registry.doctor().problems
    assert "REGISTRY_URL" in problem or "127.0.0.1:9" in problem

"""A registry that will not take the model is refused before training; one that is away is not."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.backend import Blob, Diagnosis
from registry.errors import Forbidden, RegistryError, Unreachable
from registry.local import LocalBackend
from registry.memory import MemoryBackend
from registry.roles import Role
from registry.store import Registry
from training import permission
from training.errors import NotPermitted
from training.run import train
from training.settings import TrainSettings


class Guarded(MemoryBackend):
    """A registry that denies what it is told to, or does not let itself be looked at."""

    def __init__(self, *denied: str, error: RegistryError | None = None) -> None:
        super().__init__()
        self._denied = denied
        self._error = error

    def stat(self, name: str) -> Blob | None:
        if self._error:
            raise self._error
        return super().stat(name)

    def diagnose(self, role: Role | None = None) -> Diagnosis:
        problems = tuple(f"user may not {each} here: change permissions" for each in self._denied)
        return Diagnosis("user", "here", dict.fromkeys(self._denied, False), problems)


def require(backend: MemoryBackend | LocalBackend) -> None:
    permission.require(Registry(backend, "tester"))


@pytest.mark.parametrize("denied", permission.NEEDED)
def test_what_may_not_be_written_is_refused(denied: str) -> None:
    with pytest.raises(NotPermitted, match=f"^user may not {denied} here: change permissions$"):
        require(Guarded("write production/", denied))


def test_production_is_not_needed() -> None:
    require(Guarded("read production/", "write production/"))


def test_a_registry_that_does_not_know_us_is_refused() -> None:
    with pytest.raises(Forbidden, match="no credentials"):
        require(Guarded(error=Forbidden("no credentials")))


def test_a_registry_that_is_away_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        require(Guarded(error=Unreachable("the bucket does not answer")))
    assert "the bucket does not answer; training goes on" in caplog.text


def test_a_registry_that_is_a_file_is_refused_before_anything_is_read(
    settings: Callable[..., TrainSettings], tmp_path: Path
) -> None:
    (tmp_path / "registry").write_bytes(b"")
    registry = Registry(LocalBackend(tmp_path / "registry"), "tester")
    with pytest.raises(NotPermitted, match="registry is not a folder: change REGISTRY_URL"):
        train(settings(data="/nowhere/at/all"), registry)
    assert not (tmp_path / "work").exists()

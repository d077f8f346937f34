"""A small world to train in: coloured squares, a registry in memory, and random states kept."""

import random
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry.memory import MemoryBackend
from registry.store import Registry
from tests.training.squares import paint
from training.settings import TrainSettings


@pytest.fixture(autouse=True)
def _random_states_are_kept() -> Iterator[None]:
    """Training seeds Python's and numpy's shared generators; other tests must not notice."""
    ours, numpys = random.getstate(), np.random.get_state()
    yield
    random.setstate(ours)
    np.random.set_state(numpys)


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("data") / "colours", 40)


@pytest.fixture
def settings(colours: Path, tmp_path: Path) -> Callable[..., TrainSettings]:
    """A maker of settings for runs of a few seconds, changed by field names."""

    def make(**changes: Any) -> TrainSettings:
        fields = {
            "data": str(colours),
            "work": str(tmp_path / "work"),
            "epochs": 2,
            "batch_size": 4,
            "blocks": 1,
            "max_blocks": 1,
            "min_accuracy": 0,
            "code_revision": "test",
        }
        return TrainSettings(**fields | changes)

    return make


@pytest.fixture
def files_up_to() -> Callable[[int], AbstractContextManager[None]]:
    """A block in which the kernel lets no file grow beyond so many bytes, as on a full disk."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture
def registry() -> Registry:
    return Registry(MemoryBackend(), "tester")

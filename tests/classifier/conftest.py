"""What the tests of hostile files start from."""

from pathlib import Path

import pytest

from tests.classifier.hostile.hostile import make_genuine


@pytest.fixture(scope="session")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of the layers that training uses."""
    path = tmp_path_factory.mktemp("genuine") / "best_model.hdf5"
    make_genuine(path)
    return path

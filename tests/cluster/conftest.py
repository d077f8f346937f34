"""A cluster of podman, and a port for a pod that serves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from registry.card import Card
from tests.api.variants import Model
from tests.cluster.cluster import Cluster
from tests.gcs.gcs_process import GCSServer
from tests.ports import free_port


@pytest.fixture
def models(make_model: Callable[..., Path], make_card: Callable[..., Card]) -> list[Model]:
    return [(path, make_card(path)) for path in (make_model(1), make_model(2))]


@pytest.fixture
def cluster(
    tmp_path: Path,
    gcs_server: GCSServer,
    models: list[Model],
    monkeypatch: pytest.MonkeyPatch,
) -> Cluster:
    for name, value in gcs_server.variables.items():
        monkeypatch.setenv(name, value)
    return Cluster(tmp_path, gcs_server, models)


@pytest.fixture
def port() -> str:
    return str(free_port())

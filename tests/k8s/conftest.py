"""Overlays with the components that no overlay of ours has."""

import os
from pathlib import Path

import pytest

from tests.k8s.manifests import K8S

PRODUCTION = K8S / "overlays" / "production"
WITH = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: classifier-production
resources: [{base}]
components: [{components}]
"""


def overlay_with(folder: Path, *components: str, base: Path = PRODUCTION) -> Path:
    """Make an overlay in the folder, of another one and components, and return its path."""
    overlay = folder.resolve()

    def relative(path: Path) -> str:  # kustomize takes no absolute path
        return os.path.relpath(path.resolve(), overlay)

    paths = ", ".join(relative(K8S / "components" / name) for name in components)
    (overlay / "kustomization.yaml").write_text(WITH.format(base=relative(base), components=paths))
    return overlay


@pytest.fixture(scope="session")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production on nodes with GPUs."""
    return overlay_with(tmp_path_factory.mktemp("gpu"), "gpu")


@pytest.fixture(scope="session")
def slim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production without TensorFlow."""
    return overlay_with(tmp_path_factory.mktemp("slim"), "slim")


@pytest.fixture(scope="session")
def kserve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production whose pods KServe runs."""
    return overlay_with(tmp_path_factory.mktemp("kserve"), "kserve")


@pytest.fixture(scope="session")
def stateful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production with accounts, their database, and traces."""
    folder = tmp_path_factory.mktemp("stateful")
    return overlay_with(folder, "database", "accounts", "tracing", "release")


@pytest.fixture(scope="session")
def stateful_canary(stateful: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production with these and a canary."""
    folder = tmp_path_factory.mktemp("stateful-canary")
    components = ("canary", "mail", "database/client", "accounts", "release")
    return overlay_with(folder, *components, base=stateful)


@pytest.fixture(scope="session")
def stateful_kserve(stateful: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production with these, whose pods KServe runs."""
    return overlay_with(tmp_path_factory.mktemp("stateful-kserve"), "kserve", base=stateful)

"""Overlays with the components that no overlay of ours has."""

import os
from pathlib import Path

import pytest

from tests.k8s.manifests import K8S

PRODUCTION_WITH = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [{k8s}/overlays/production]
components: [{k8s}/components/{component}]
"""


def production_with(component: str, folder: Path) -> Path:
    """Make an overlay in the folder, and return its path."""
    overlay = folder.resolve()
    relative = os.path.relpath(K8S.resolve(), overlay)  # kustomize takes no absolute path
    text = PRODUCTION_WITH.format(k8s=relative, component=component)
    (overlay / "kustomization.yaml").write_text(text)
    return overlay


@pytest.fixture(scope="session")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production on nodes with GPUs."""
    return production_with("gpu", tmp_path_factory.mktemp("gpu"))


@pytest.fixture(scope="session")
def slim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production without TensorFlow."""
    return production_with("slim", tmp_path_factory.mktemp("slim"))


@pytest.fixture(scope="session")
def kserve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production whose pods KServe runs."""
    return production_with("kserve", tmp_path_factory.mktemp("kserve"))

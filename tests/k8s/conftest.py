"""An overlay with the component that no overlay of ours has."""

import os
from pathlib import Path

import pytest

from tests.k8s.manifests import K8S

GPU = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [{k8s}/overlays/production]
components: [{k8s}/components/gpu]
"""


@pytest.fixture(scope="session")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production on nodes with GPUs."""
    folder = tmp_path_factory.mktemp("gpu").resolve()
    relative = os.path.relpath(K8S.resolve(), folder)  # kustomize takes no absolute path
    (folder / "kustomization.yaml").write_text(GPU.format(k8s=relative))
    return folder

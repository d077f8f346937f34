"""The manifests as a cluster would get them, and as the rules look at them."""

import functools
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
K8S = ROOT / "k8s"
KUBECTL = ROOT / ".venv" / "bin" / "kubectl"
OVERLAYS = tuple(sorted(path.parent.name for path in K8S.glob("overlays/*/kustomization.yaml")))

Object = dict[str, Any]

# Where a pod's template stands in what makes pods.
TEMPLATES = {
    "Deployment": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@functools.cache
def rendered(folder: Path) -> str:
    """What ``kubectl kustomize`` makes of a folder."""
    assert KUBECTL.exists(), f"make {KUBECTL.relative_to(ROOT)}"
    result = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr, result.stderr
    return result.stdout


def objects(folder: Path) -> list[Object]:
    """The objects of a folder, new ones at each call."""
    return list(yaml.load_all(rendered(folder), yaml.CSafeLoader))


def overlay(name: str) -> list[Object]:
    """The objects of an overlay."""
    return objects(K8S / "overlays" / name)


@dataclass(frozen=True)
class Pod:
    """A pod's template, and what makes pods of it.

    Attributes:
        owner: as ``Deployment/classifier``.
        labels: that its pods get.
        spec: of the pods.
    """

    owner: str
    labels: dict[str, str]
    spec: Object

    @property
    def container(self) -> Object:
        """Its container; there is one."""
        (container,) = self.spec["containers"]
        return dict(container)

    @property
    def ports(self) -> set[str]:
        """The names of its ports."""
        return {port["name"] for port in self.container.get("ports", [])}

    @property
    def stage(self) -> str:
        """What it is, as its label has it."""
        return self.labels["app.kubernetes.io/component"]


def name(manifest: Object) -> str:
    """As ``Service/classifier``."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def of_kind(manifests: Sequence[Object], kind: str) -> list[Object]:
    """Those of one kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pods(manifests: Sequence[Object]) -> Iterator[Pod]:
    """Every pod that something makes."""
    for manifest in manifests:
        if manifest["kind"] in TEMPLATES:
            template = manifest
            for key in TEMPLATES[manifest["kind"]]:
                template = template[key]
            yield Pod(name(manifest), template["metadata"]["labels"], template["spec"])


def environment(pod: Pod, manifests: Sequence[Object]) -> dict[str, str]:
    """The variables that a pod's program sees."""
    data = {m["metadata"]["name"]: m.get("data", {}) for m in of_kind(manifests, "ConfigMap")}
    found: dict[str, str] = {}
    for source in pod.container.get("envFrom", []):
        found |= data.get(source.get("configMapRef", {}).get("name"), {})
    return found | {entry["name"]: entry["value"] for entry in pod.container.get("env", [])}


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector selects what has ``labels``."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In", rule
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True

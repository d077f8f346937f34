"""Pods of the rendered manifests, run by ``podman kube play``, and what that has to be changed for.

podman 4.3 plays Pods and ConfigMaps. It has no network of pods here, so they share the machine's.
Secrets are folders of the machine, as podman would mount them in base64 and for all to read. A
ConfigMap's variables win over the container's own, where Kubernetes has it the other way round, and
none is put into arguments.
"""

import copy
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import requests
import yaml

from tests.k8s.manifests import Object, Pod, of_kind, pods

GROUP = 10001  # fsGroup
WITHIN = 300.0  # seconds; reached only if something is broken

# podman's own choices of these limits are refused where it runs in a container itself.
LIMITS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'

Result = subprocess.CompletedProcess[str]


def write_secret(folder: Path, **files: str) -> None:
    """Make a Secret's files as Kubernetes mounts them: root's, and for the pod's group to read."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        file = folder / name
        file.write_text(text)
        os.chown(file, 0, GROUP)
        file.chmod(0o440)


def config_map(name: str, **files: str) -> Object:
    """A ConfigMap with files."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": files}


def pod(owner: str, manifests: Sequence[Object], secrets: Path, **variables: str) -> Object:
    """One Pod of what makes pods, as it can be played, with more variables.

    Args:
        owner: as ``Deployment/classifier``.
        manifests: all that is rendered.
        secrets: the folder with a folder for each Secret.
        variables: what the container's own are to be.
    """
    template = next(pod for pod in pods(manifests) if pod.owner == owner)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": owner.rpartition("/")[2], "labels": template.labels},
        "spec": _playable(template, secrets, variables),
    }


def _playable(template: Pod, secrets: Path, variables: dict[str, str]) -> Object:
    spec = copy.deepcopy(template.spec)
    container = spec["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container.pop("ports", [])}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if probe in container:
            container[probe]["httpGet"]["port"] = ports[container[probe]["httpGet"]["port"]]
    added = [{"name": key, "value": value} for key, value in variables.items()]
    kept = [entry for entry in container.get("env", []) if entry["name"] not in variables]
    container["env"] = kept + added
    for index, argument in enumerate(container.get("args", [])):
        for entry in container["env"]:
            argument = argument.replace(f"$({entry['name']})", entry["value"])
        container["args"][index] = argument
    for volume in spec["volumes"]:
        if "secret" in volume:
            volume["hostPath"] = {"path": str(secrets / volume.pop("secret")["secretName"])}
    return spec


class Played:
    """Objects that podman plays until the end of the block; there is one container.

    Args:
        folder: an empty one, for what podman is given.
        manifests: a Pod, and the ConfigMaps that it refers to.
    """

    def __init__(self, folder: Path, manifests: Sequence[Object]) -> None:
        folder.mkdir()
        self._file = folder / "play.yaml"
        self._file.write_text(yaml.safe_dump_all(manifests))
        (folder / "containers.conf").write_text(LIMITS)
        self._environment = os.environ | {
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "DISABLE_HC_SYSTEMD": "true",  # there may be none to run health checks
        }
        (played,) = of_kind(manifests, "Pod")
        containers = played["spec"]["containers"]
        self.container = f"{played['metadata']['name']}-{containers[0]['name']}"

    def __enter__(self) -> Self:
        self.podman("kube", "play", "--network=host", str(self._file))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            sys.stdout.write(self.log)
        self.podman("kube", "down", str(self._file))

    def podman(self, *arguments: str, check: bool = True, given: str = "") -> Result:
        """Run podman to its end, with something on its standard input."""
        result = subprocess.run(
            ["podman", "--runtime", "runc", *arguments],
            env=self._environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        assert not check or result.returncode == 0, result.stderr
        return result

    @property
    def log(self) -> str:
        """What the container has written."""
        result = self.podman("logs", self.container)
        return result.stdout + result.stderr

    def python(self, code: str) -> Result:
        """Run code in the container."""
        return self.podman("exec", self.container, "python", "-c", code, check=False)

    def wait(self) -> int:
        """Wait for the container's end, and return its exit code."""
        return int(self.podman("wait", self.container).stdout)

    def wait_for(self, url: str) -> dict[str, Any]:
        """Ask until the answer is a good one."""
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            try:
                answer = requests.get(url, timeout=WITHIN)
            except requests.ConnectionError:
                answer = None  # it does not listen yet
            if answer is not None and answer.ok:
                document: dict[str, Any] = answer.json()
                return document
            time.sleep(0.1)
        raise AssertionError(self.log)

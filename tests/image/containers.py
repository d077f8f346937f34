"""Containers of the images, run by podman under the restrictions that a cluster sets."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import requests

from tests.ports import free_port
from tests.waiting import until

TAG = os.environ.get("IMAGE_TAG", "dev")
WITHIN = 240.0  # seconds; reached only if something is broken

# With the limits on files and processes spelt out, runc starts in a container as well, where
# podman's own choice of both is refused.
PODMAN = ("podman", "--runtime", "runc")
RESTRICTIONS = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp:rw,noexec,nosuid,nodev",
    "--tmpfs=/var/lib/classifier:rw,noexec,nosuid,nodev",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--user=10001:10001",
    "--pids-limit=512",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
    "--network=host",
)
# As in k8s/.
MEMORY = {"api": "2g", "api-slim": "1g", "training": "8g", "testing": "4g"}

# The health check is run by hand; there may be no systemd to run it.
ENVIRONMENT = os.environ | {"DISABLE_HC_SYSTEMD": "true"}

Result = subprocess.CompletedProcess[str]


def image(target: str) -> str:
    """The image of a target."""
    return f"localhost/classifier-{target}:{TAG}"


def podman(*arguments: str, check: bool = True) -> Result:
    """Run podman to its end."""
    command = [*PODMAN, *arguments]
    return subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, check=check, timeout=WITHIN
    )


def inspect(target: str) -> dict[str, Any]:
    """What podman knows about an image."""
    document: list[dict[str, Any]] = json.loads(podman("image", "inspect", image(target)).stdout)
    return document[0]


def options(mounts: tuple[str, ...] = (), **variables: str) -> list[str]:
    """Flags for volumes and environment variables."""
    volumes = [f"--volume={mount}" for mount in mounts]
    return [*volumes, *(f"--env={name}={value}" for name, value in variables.items())]


def restricted(target: str, *flags: str) -> list[str]:
    """The flags of ``podman run`` for a target, and its image."""
    return [*RESTRICTIONS, f"--memory={MEMORY[target]}", *flags, image(target)]


def run(target: str, *command: str, given: Sequence[str] = ()) -> Result:
    """Run the container of a target with ``command`` as its arguments, to its end."""
    return podman("run", "--rm", *restricted(target, *given), *command, check=False)


def python(target: str, code: str) -> str:
    """What ``code`` prints in a restricted container of a target."""
    result = run(target, "-c", code, given=["--entrypoint=python"])
    assert result.returncode == 0, result.stderr
    return result.stdout


class Container:
    """A restricted container that is running, until the end of the block."""

    def __init__(self, target: str, *command: str, given: Sequence[str] = ()) -> None:
        started = podman("run", "--detach", *restricted(target, *given), *command)
        self.id = started.stdout.strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        podman("rm", "--force", "--time=0", self.id)

    @property
    def log(self) -> str:
        """What it has written."""
        result = podman("logs", self.id)
        return result.stdout + result.stderr

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log, without what TensorFlow writes by itself."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def signal(self, name: str) -> None:
        """Signal its process 1."""
        podman("kill", "--signal", name, self.id)

    def wait(self) -> int:
        """Wait for its end, and return the exit code."""
        return int(podman("wait", self.id).stdout)

    def check_health(self) -> Result:
        """Run its health check."""
        return podman("healthcheck", "run", self.id, check=False)

    def wait_for_line(self, text: str) -> None:
        """Wait until it has logged ``text``."""
        until(lambda: text in self.log, lambda: self.log, WITHIN)


class Service(Container):
    """The service, as one of its images has it, on a free port of this machine."""

    def __init__(self, target: str, mounts: tuple[str, ...], **variables: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = options(mounts, SERVE_PORT=str(self.port), **variables)
        super().__init__(target, given=given)

    def wait_for(self, path: str, status: int = 200) -> None:
        """Ask until the answer has the status."""
        until(lambda: self._status(path) == status, lambda: self.log, WITHIN)

    def _status(self, path: str) -> int:
        try:
            return requests.get(self.url + path, timeout=WITHIN).status_code
        except requests.ConnectionError:
            return 0  # it does not listen yet


def shared(folder: Path) -> Path:
    """Make a folder that the user of the containers may write to."""
    folder.mkdir()
    folder.chmod(0o777)
    return folder

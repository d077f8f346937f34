"""A service to be maltreated: its registry, and versions that each give every image one label."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from registry.store import Registry
from tests.api.processes import Process
from tests.light_versions import Light, constant, put, registry_in
from tests.waiting import until

CLASSES = tuple(map(str, range(7)))  # so that a label is the index that POST / answers
# It falls back to TensorFlow otherwise, for a file that is no model.
VARIABLES = {"MODEL_RUNTIME": "onnx", "MODEL_REFRESH_SECONDS": "0.02", "DRIFT_WINDOW": "0"}


class Stand:
    """A registry of versions.

    Args:
        folder: an empty one.
        url: of the registry, if it is not in the folder.

    Attributes:
        folder: where the service runs.
        registry: for promotions.
        labels: what each version says that may serve.
    """

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.registry = registry_in(folder, url)
        self.labels: dict[str, str] = {}
        self._numbers = count()

    def service(self, **variables: str) -> Process:
        """The service, started."""
        return Process(self.folder, **(VARIABLES | variables))

    def make(self, padding: int = 0) -> Light:
        """A version that says something else than the one before, with so many more bytes."""
        number = next(self._numbers)
        return constant(number % len(CLASSES), *CLASSES, name=f"{number} {'x' * padding}")

    def promote(self, padding: int = 0) -> Light:
        """Put a new version into production."""
        light = self.make(padding)
        self.labels[light.version] = CLASSES[int(np.argmax(light.card.golden.probabilities))]
        put(self.registry, light, self.folder)
        return light

    def swap(self, service: Process, padding: int = 0) -> Light:
        """Put a new version into production, and wait until it serves."""
        light = self.promote(padding)
        wait_for_version(service, light.version)
        return light

    def refuse(self, service: Process, put_in: Callable[[Registry, Path, Light], str]) -> None:
        """Put a candidate into production that must not serve, and wait until that is said."""
        serves = info(service)["version"]
        name = put_in(self.registry, self.folder, self.make())
        wait_until(lambda: name[:12] in info(service)["problem"], service)
        assert info(service)["version"] == serves


def info(service: Process) -> dict[str, Any]:
    """What the service says of its model."""
    ended = service.process.poll()
    assert ended is None, f"the service ended with {ended}"
    found: dict[str, Any] = service.wait_for("/info")["data"]
    return found


def wait_for_version(service: Process, version: str) -> None:
    """Wait until a version serves."""
    wait_until(lambda: info(service)["version"] == version, service)


def wait_until(happened: Callable[[], bool], service: Process) -> None:
    """Look again and again; if it does not happen, the end of the log may say why."""
    until(happened, lambda: service.log[-5000:])


def resident(service: Process) -> int:
    """The bytes that the service keeps in memory."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024

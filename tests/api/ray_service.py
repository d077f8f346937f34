"""The service on Ray Serve, as its configuration has it, and what can be seen of its replicas."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from api.ray.__main__ import CONFIG
from tests.api.processes import WITHIN
from tests.api.ray_environment import Program
from tests.ports import free_port

SETTINGS = {
    "REGISTRY_URL": "file:registry",
    "MODEL_CACHE": "cache-of-ray",
    "MODEL_REFRESH_SECONDS": "0.1",
}
ANSWERED = re.compile(r'classifier_requests_total{.*route="/predict",status="200"} (\S+)')
SECONDS = re.compile(r'classifier_request_seconds_sum{route="/predict"} (\S+)')
VERSION = re.compile(r'classifier_model_info{.*version="(\w+)"')


def configure(folder: Path, **fields: Any) -> str:
    """Write what we run on Ray Serve, on a free port, with other fields of the deployment.

    A field that is None is left out.

    Returns:
        The URL.
    """
    document = yaml.safe_load(CONFIG.read_text())
    document["http_options"]["port"] = port = free_port()
    (deployment,) = document["applications"][0]["deployments"]
    deployment |= fields
    for name in [name for name, value in deployment.items() if value is None]:
        del deployment[name]
    (folder / "serve.yaml").write_text(yaml.safe_dump(document))
    return f"http://127.0.0.1:{port}"


def serving(folder: Path, **variables: str) -> Program:
    """The program, on the registry in the folder."""
    return Program(folder, "-m", "api.ray", "serve.yaml", **SETTINGS | variables)


def eventually(program: Program, met: Callable[[], bool]) -> None:
    """Wait until a condition is met while the program runs."""
    deadline = time.monotonic() + WITHIN
    while not met():
        assert program.process.poll() is None, program.log
        assert time.monotonic() < deadline, program.log
        time.sleep(0.05)


def wait_for_replicas(program: Program, states: str, since: int = 0) -> None:
    """Wait until the log says of the replicas that they are ``2 RUNNING``, or the like.

    Args:
        program: the program.
        states: the states.
        since: where in the log to look.
    """
    eventually(program, lambda: f"({states})" in program.log[since:])


def replicas(program: Program) -> list[int]:
    """The processes that are replicas."""
    return program.named("ray::ServeReplica")


@dataclass(frozen=True)
class Share:
    """What an idle replica says of itself.

    Attributes:
        answered: requests to ``/predict``.
        seconds: that they took, by which two replicas are told apart.
        version: what serves.
    """

    answered: int
    seconds: float
    version: str


def shares(url: str, program: Program, replicas: int) -> set[Share]:
    """What each replica says: whoever asks for metrics gets those of one of them."""
    found: set[Share] = set()

    def all_found() -> bool:
        text = requests.get(f"{url}/metrics", timeout=WITHIN).text
        (version,) = VERSION.findall(text)
        found.add(Share(int(_number(ANSWERED, text)), _number(SECONDS, text), version))
        return len(found) >= replicas

    eventually(program, all_found)
    return found


def _number(sought: re.Pattern[str], text: str) -> float:
    """A sum in the metrics; 0 if nothing was added to it yet."""
    found = sought.search(text)
    return float(found[1]) if found else 0

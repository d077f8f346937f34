"""What a configuration file may say, and what becomes of one that Ray Serve cannot deploy."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.errors import RETRY_SOON
from api.ray.__main__ import CONFIG
from tests.api.processes import ROOT
from tests.api.ray_environment import PYTHON, Program
from tests.api.ray_service import configure, serving

SCALING = {"min_replicas": 1, "max_replicas": 2}
DEPLOYMENT = "applications.0.deployments.0."
CASES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"autoscaling_config": None, "num_replicas": 2}, ""),
    (
        {"autoscaling_config": SCALING | {"min_replicas": 3}},
        "max_replicas (2) must be greater than or equal to min_replicas (3)!",
    ),
    ({"autoscaling_config": SCALING | {"max_replicas": 0}}, "max_replicas: Input should be"),
    ({"autoscaling_config": SCALING | {"min_replicas": -1}}, "min_replicas: Input should be"),
    ({"autoscaling_config": SCALING | {"max": 2}}, f"{DEPLOYMENT}autoscaling_config.max is no "),
    ({"autoscaling_config": None, "num_replicas": 0}, f"{DEPLOYMENT}num_replicas"),
    ({"num_replicas": 2}, "num_replicas is not allowed when autoscaling_config is provided"),
    ({"max_ongoing_requests": 0}, f"{DEPLOYMENT}max_ongoing_requests: Input should be greater"),
    ({"max_ongoing_request": 9}, f"{DEPLOYMENT}max_ongoing_request is no field"),
]

PROGRAM = """
import sys
from pathlib import Path
from api.ray.errors import BadConfiguration
from api.ray.running import check

for path in sys.argv[1:]:
    try:
        check(Path(path))
        print()
    except BadConfiguration as error:
        print(error)
"""


def checked(folder: Path, *files: str) -> list[str]:
    """What is said of each of these files."""
    ended = subprocess.run(
        [PYTHON, "-c", PROGRAM, *files],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return ended.stdout.splitlines()


def test_fields_that_cannot_be_are_named(tmp_path: Path) -> None:
    files = [f"{number}.yaml" for number in range(len(CASES))]
    for name, (fields, _) in zip(files, CASES, strict=True):
        configure(tmp_path, **fields)
        (tmp_path / "serve.yaml").rename(tmp_path / name)
    said = checked(tmp_path, *files)
    for name, (_, wanted), found in zip(files, CASES, said, strict=True):
        assert wanted in found
        assert found.startswith(f"{name}: ") if wanted else not found


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").touch()
    (tmp_path / "odd.yaml").write_text("a: [")
    nowhere, empty, odd = checked(tmp_path, "nowhere.yaml", "empty.yaml", "odd.yaml")[:3]
    assert nowhere == "nowhere.yaml cannot be read: No such file or directory"
    assert empty.startswith("empty.yaml: Input should be a valid dictionary")
    assert odd.startswith("odd.yaml cannot be read: ")


def test_what_ray_serve_cannot_deploy_ends_the_program(tmp_path: Path) -> None:
    configure(tmp_path, name="Klassifier")
    with serving(tmp_path) as program:
        assert program.wait() == 1
        assert (
            "Ray Serve has given classifier up: DEPLOY_FAILED; "
            "ValueError: Deployment 'Klassifier' does not exist. Available: ['Classifier']"
        ) in program.log


@pytest.mark.parametrize(("name", "value"), [("SERVE_PORT", "0"), ("MODEL_REFRESH_SECONDS", "-1")])
def test_settings_that_cannot_be_are_named_before_ray_starts(
    tmp_path: Path, name: str, value: str
) -> None:
    with Program(tmp_path, "-m", "api.ray", **{name: value}) as program:
        assert program.wait() == 2
        assert f"api.ray: {name}: " in program.log
        assert "Ray" not in program.log.replace("api.ray", "")


def test_ray_serve_has_callers_wait_as_long_as_the_service_has() -> None:
    (deployment,) = yaml.safe_load(CONFIG.read_text())["applications"][0]["deployments"]
    waits = deployment["backpressure_config"]
    assert waits == {"status_code": 503, "retry_after_s": int(RETRY_SOON["Retry-After"])}

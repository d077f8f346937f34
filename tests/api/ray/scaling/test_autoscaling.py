"""Replicas that come with load and go with it."""

import shutil
from pathlib import Path

from tests.api.ray.scaling.conftest import Production
from tests.api.ray_environment import Program
from tests.api.ray_service import (
    SETTINGS,
    configure,
    eventually,
    serving,
    shares,
    wait_for_replicas,
)
from tests.soak.callers import Callers
from tests.soak.laws import violations

# Delays without the minutes that they are in earnest.
SCALING = {
    "min_replicas": 1,
    "max_replicas": 2,
    "target_ongoing_requests": 0.5,
    "upscale_delay_s": 1,
    "downscale_delay_s": 2,
    "look_back_period_s": 2,
    "metrics_interval_s": 0.5,
}
OPTIONS = {"autoscaling_config": SCALING, "ray_actor_options": {"num_cpus": 0.1}}
SOME = 200  # requests
LOOKS = 2  # at the registry: whatever a replica makes of the first, it has made before the second


def test_replicas_come_with_load_once_they_are_ready_and_go_with_it(
    tmp_path: Path, production: Production
) -> None:
    url = configure(tmp_path, **OPTIONS)
    with serving(tmp_path) as program:
        wait_for_replicas(program, "1 RUNNING")
        (tmp_path / "registry").rename(tmp_path / "away")
        shutil.rmtree(tmp_path / SETTINGS["MODEL_CACHE"])
        with Callers(url, tmp_path / "many", connections=8, rate=400) as callers:
            eventually(program, lambda: without_registry(program) == 2)
            callers.wait_for(len(callers.asked()) + SOME)
            assert "2 RUNNING" not in program.log
            (tmp_path / "away").rename(tmp_path / "registry")
            wait_for_replicas(program, "2 RUNNING")
            callers.wait_for(len(callers.asked()) + SOME)
            asked = callers.stop()
        assert all(share.answered for share in shares(url, program, 2))
        assert violations(asked, production.labels) == []
        up = len(program.log)
        with Callers(url, tmp_path / "few", connections=1, rate=2) as callers:
            wait_for_replicas(program, "1 RUNNING", since=up)
            asked = callers.stop()
        assert violations(asked, production.labels) == []


def without_registry(program: Program) -> int:
    """How many replicas have looked for the registry in vain, and again."""
    logs = program.temporary.glob("ray-*/session_2*/logs/worker-*.err")
    return sum(log.read_text().count("production is empty") >= LOOKS for log in logs)

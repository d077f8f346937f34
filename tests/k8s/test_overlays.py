"""What a deployment takes from its files, and where requests go."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from process.settings import read
from tests.k8s.manifests import (
    K8S,
    OVERLAYS,
    Object,
    Pod,
    environment,
    name,
    objects,
    of_kind,
    overlay,
    pods,
)
from tests.k8s.rules import STAGES, findings
from tests.test_dockerfile import steps

IMAGES = {"training": "training", "gate": "testing", "judge": "testing"}  # and api for all others


def of_image(pod: Pod) -> dict[str, str]:
    """The variables that a pod's image sets."""
    words = shlex.split(" ".join(steps(IMAGES.get(pod.stage, "api"), "ENV")))
    return {key: value for key, _, value in (word.partition("=") for word in words)}


@pytest.fixture(params=[*OVERLAYS, "stateful", "stateful_canary"])
def manifests(request: pytest.FixtureRequest) -> list[Object]:
    """Each overlay, and those with a database."""
    if request.param in OVERLAYS:
        return overlay(request.param)
    return objects(request.getfixturevalue(request.param))


def test_every_program_takes_its_variables(
    manifests: list[Object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for secret in ("smtp/password", "database/url", "accounts/keys"):
        (tmp_path / secret).parent.mkdir()
        (tmp_path / secret).write_text("secret" * 6)
    for pod in pods(manifests):
        with monkeypatch.context() as patch:
            for variable, value in (of_image(pod) | environment(pod, manifests)).items():
                patch.setenv(variable, value.replace("/run/secrets", str(tmp_path)))
            for declaration in STAGES[pod.stage]:
                read(declaration)


def settings_of(manifests: list[Object], owner: str) -> dict[str, str]:
    return next(environment(pod, manifests) for pod in pods(manifests) if pod.owner == owner)


def test_release_env_reaches_every_pod(tmp_path: Path) -> None:
    version, candidate = "a" * 64, "b" * 64
    changed = {
        "MODEL_VERSION": version,
        "CANDIDATE": candidate,
        "ACCOUNTS": "p.iam.gserviceaccount.com",
    }
    changed |= {
        f"{stage}_IMAGE": f"r.dev/{stage.lower()}@sha256:1"
        for stage in ("API", "TRAINING", "TESTING")
    }
    subprocess.run(["cp", "-r", K8S, tmp_path / "k8s"], check=True)
    release = tmp_path / "k8s" / "overlays" / "production" / "release.env"
    release.write_text("".join(f"{key}={value}\n" for key, value in changed.items()))
    manifests = objects(tmp_path / "k8s" / "overlays" / "production-canary")

    assert not findings(manifests)
    assert settings_of(manifests, "Deployment/classifier")["MODEL_VERSION"] == version
    assert settings_of(manifests, "Deployment/classifier-canary")["MODEL_VERSION"] == candidate
    assert settings_of(manifests, "CronJob/promote")["CANDIDATE"] == candidate
    images = {pod.owner: pod.container["image"] for pod in pods(manifests)}
    assert images == {
        "Deployment/classifier": "r.dev/api@sha256:1",
        "Deployment/classifier-canary": "r.dev/api@sha256:1",
        "CronJob/training": "r.dev/training@sha256:1",
    } | {
        f"CronJob/{job}": "r.dev/testing@sha256:1"
        for job in ("gate", "promote", "rollback", "judge")
    }
    assert not any(m["metadata"]["name"] == "release" for m in manifests)


def test_a_changed_setting_rolls_the_pods(tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", K8S, tmp_path / "k8s"], check=True)
    with (tmp_path / "k8s" / "overlays" / "production" / "configuration.env").open("a") as file:
        file.write("SERVE_MAX_BATCH=8\n")
    before, after = (
        next(pods(of_kind(objects(root / "overlays" / "production"), "Deployment"))).spec
        for root in (K8S, tmp_path / "k8s")
    )
    assert before != after


def route(environment_name: str) -> Any:
    (found,) = of_kind(overlay(environment_name), "HTTPRoute")
    return found["spec"]["rules"][0]


def weights(environment_name: str) -> dict[str, int]:
    return {
        backend["name"]: backend["weight"] for backend in route(environment_name)["backendRefs"]
    }


def test_each_overlay_sends_requests_where_it_should() -> None:
    assert weights("production") == weights("testing") == {"classifier": 100}
    assert weights("production-canary") == {"classifier": 90, "classifier-canary": 10}
    assert weights("production-shadow") == {"classifier": 100, "classifier-canary": 0}
    mirrored = [
        f["requestMirror"]["backendRef"]["name"] for f in route("production-shadow")["filters"]
    ]
    assert mirrored == ["classifier-canary"]
    assert "filters" not in route("production-canary")


def test_in_production_a_canary_comes_between_gate_and_promotion() -> None:
    assert settings_of(overlay("production"), "CronJob/gate")["GATE_PROMOTE"] == "false"
    assert "GATE_PROMOTE" not in settings_of(overlay("testing"), "CronJob/gate")


@pytest.mark.parametrize("percent", ["0", "25", "100"])
def test_weight_shifts_the_route(percent: str, tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    kubectl.chmod(0o755)
    result = subprocess.run(
        [K8S / "weight", percent],
        env=os.environ | {"KUBECTL": str(kubectl)},
        capture_output=True,
        text=True,
        check=True,
    )
    patch = yaml.safe_load(result.stdout.splitlines()[-1])
    assert [(step["op"], step["value"]) for step in patch] == [
        ("replace", 100 - int(percent)),
        ("replace", int(percent)),
    ]
    (found,) = of_kind(overlay("production-canary"), "HTTPRoute")
    for step in patch:
        place: Any = found
        for key in step["path"].split("/")[1:]:
            place = place[int(key) if key.isdigit() else key]
        assert isinstance(place, int)


@pytest.mark.parametrize("percent", ["", "ten", "-1", "101", "2.5"])
def test_weight_refuses_what_is_no_percentage(percent: str) -> None:
    result = subprocess.run([K8S / "weight", percent], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "PERCENT" in result.stderr


def test_what_a_canary_adds_is_taken_away_by_the_readmes_command() -> None:
    command = re.search(r"delete (\S+) \\\n\s*-l (\S+)=canary", (K8S / "README.md").read_text())
    assert command
    kinds, label = command.groups()
    there = {name(manifest) for manifest in overlay("production")}
    added = [m for m in overlay("production-canary") if name(m) not in there]
    assert {manifest["kind"].lower() for manifest in added} == set(kinds.split(","))
    assert {manifest["metadata"]["labels"][label] for manifest in added} == {"canary"}

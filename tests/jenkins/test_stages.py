"""The stage scripts by themselves: their form, and the exact commands that a cluster gets."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.jenkins.conftest import CANDIDATE, ROOT, Jenkins
from tests.k8s.manifests import KUBECTL

STAGES = sorted(path for path in (ROOT / "jenkins" / "stages").iterdir() if path.is_file())
BASH = [*STAGES, *(ROOT / "jenkins" / "stages" / "lib").iterdir(), Path(__file__).with_name("stub")]
JOB = r"-\d{8}-\d{6}"
IN_PRODUCTION = "kubectl --namespace classifier-production"


def commands(calls: list[str]) -> list[str]:
    """What was asked of the cluster that changes something in it, or waits for it."""
    told = [call.removeprefix(f"{IN_PRODUCTION} ") for call in calls if " get " not in call]
    kept = ("create", "apply", "rollout", "port-forward", "delete", "registry", "jenkins.smoke")
    return [re.sub(JOB, "", call) for call in told if call.startswith(kept)]


@pytest.mark.parametrize("script", BASH, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    done = subprocess.run(
        ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", script],
        env=os.environ | {"PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", STAGES, ids=lambda path: path.name)
def test_a_stage_tells_what_it_is_for_and_takes_no_arguments(script: Path, tmp_path: Path) -> None:
    assert "\nset -euo pipefail\n" in script.read_text()
    told = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, cwd="/")
    assert told.stdout.splitlines()[0].endswith(".")
    assert not re.search(r"^[#!]|set -euo", told.stdout, re.MULTILINE)
    misused = subprocess.run([script, "--fast"], capture_output=True, check=False, cwd=tmp_path)
    assert misused.returncode == 2


def test_a_cluster_gets_these_commands_in_this_order(jenkins: Jenkins) -> None:
    assert commands(jenkins.build(CANARY=True).calls) == [
        "apply -f -",
        "create job training --from=cronjob/training",
        "registry show testing --json",
        "registry show production --json",
        "apply -f -",
        "create job gate --from=cronjob/gate",
        "apply -f -",
        "rollout status deployment/classifier-canary --timeout 600s",
        "create job judge --from=cronjob/judge",
        "apply -f -",
        "delete deployment,service --selector app.kubernetes.io/component=canary",
        "create job promote --from=cronjob/promote --dry-run=client --output yaml",
        "create -f -",
        "apply -f -",
        "rollout status deployment/classifier --timeout 600s",
        "port-forward service/classifier :8000",
        "jenkins.smoke",
    ]


def test_a_failed_smoke_test_undoes_the_deployment_before_the_registry(jenkins: Jenkins) -> None:
    calls = commands(jenkins.build(machine={"STUB_FAIL": "^jenkins.smoke"}).calls)

    assert calls[calls.index("jenkins.smoke") + 1 :] == [
        "rollout undo deployment/classifier --to-revision 41",
        "rollout status deployment/classifier --timeout 600s",
        "registry show production --json",
        "create job rollback --from=cronjob/rollback --dry-run=client --output yaml",
        "create -f -",
    ]


def test_a_roll_out_that_is_repeated_is_undone_to_what_was_before_the_first(
    jenkins: Jenkins,
) -> None:
    cluster = {"DEPLOY": "kubernetes"}
    for stage in ("gate", "promote", "rollout", "rollout", "rollback"):
        assert jenkins.stage(stage, **cluster).returncode == 0
    calls = (jenkins.folder / "calls").read_text()
    assert f"{IN_PRODUCTION} rollout undo deployment/classifier --to-revision 41\n" in calls


@pytest.mark.parametrize("stage", ["canary", "promote", "rollout", "smoke"])
@pytest.mark.parametrize("version", [None, "", "--why", "$(touch stolen)"])
def test_without_a_candidate_nothing_is_asked_of_the_cluster(
    jenkins: Jenkins, stage: str, version: str | None
) -> None:
    if version is not None:
        (jenkins.folder / "by hand").mkdir()
        (jenkins.folder / "by hand" / "version").write_text(f"{version}\n")
    done = jenkins.stage(stage, DEPLOY="kubernetes")
    assert done.returncode == 2
    assert "run jenkins/stages/gate first" in done.stderr
    assert not (jenkins.folder / "calls").exists()


def test_a_registry_that_does_not_answer_speaks_for_itself(jenkins: Jenkins) -> None:
    done = jenkins.stage("gate", STUB_FAIL="^registry show")
    assert done.returncode == 1
    assert "told to fail" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_folder_of_a_checkout_may_have_spaces(jenkins: Jenkins) -> None:
    assert jenkins.stage("checks", DEPLOY_WORK=f"{jenkins.folder}/it's here").returncode == 0
    assert (jenkins.folder / "it's here" / "junit.xml").exists()


def test_a_cluster_with_images_of_its_own_is_asked_about_those(jenkins: Jenkins) -> None:
    checkout = jenkins.folder / "checkout"
    overlay = checkout / "k8s" / "overlays" / "production"
    overlay.mkdir(parents=True)
    (checkout / "jenkins").symlink_to(ROOT / "jenkins")
    (overlay / "configuration.env").write_text("TRAIN_DATA=/data/fruit\nGATE_DATA=/data/fruit\n")
    environment = jenkins.machine | {"DEPLOY": "kubernetes", "DEPLOY_WORK": str(jenkins.folder)}
    (jenkins.folder / "version").write_text(f"{CANDIDATE}\n")

    for stage in ("new-data", "smoke"):
        subprocess.run([checkout / "jenkins" / "stages" / stage], env=environment, check=True)
    calls = (jenkins.folder / "calls").read_text().splitlines()
    assert "jenkins.new_data /data/fruit" in calls
    assert "jenkins.smoke" in calls
    assert (jenkins.folder / "smoked").read_text() == "/data/fruit\n"


def test_a_rollback_adds_to_the_log_of_its_build(jenkins: Jenkins) -> None:
    jenkins.stage("gate", DEPLOY="kubernetes")
    jenkins.stage("promote", DEPLOY="kubernetes")
    log = jenkins.folder / "log"
    with log.open("w") as output:
        subprocess.run(
            ["sh", "-c", "echo before; exec jenkins/stages/rollback"],
            cwd=ROOT,
            env=jenkins.machine
            | {"DEPLOY": "kubernetes", "DEPLOY_WORK": str(jenkins.folder / "by hand")},
            stdout=output,
            stderr=output,
            check=True,
        )
    assert log.read_text().startswith("before\n")


@pytest.mark.parametrize("code", ["1", "3"])
def test_a_canary_that_is_not_better_is_withdrawn_and_not_promoted(
    jenkins: Jenkins, code: str
) -> None:
    machine = {"STUB_FAILED_JOB": "judge", "STUB_JOB_CODE": code}
    outcome = jenkins.build(CANARY=True, machine=machine)

    by_name = {c["script"]: c["code"] for c in outcome.report["commands"]}
    assert by_name["jenkins/stages/canary"] == int(code)
    assert commands(outcome.calls)[-1].startswith("delete deployment,service")
    assert outcome.ran[-2:] == ["canary", "rollback"]


def test_only_what_a_delivery_changes_is_applied(jenkins: Jenkins) -> None:
    outcome = jenkins.build(CANARY=True)
    applied = (outcome.folder / "applied").read_text().split()

    jobs = ["ConfigMap", "CronJob"]
    canary = ["ConfigMap", "Service", "Deployment", "HTTPRoute", "HealthCheckPolicy"]
    assert applied == [*jobs, *jobs, *canary, "HTTPRoute", "ConfigMap", "Deployment"]


DATABASE = {"STUB_DATABASE": "cronjob.batch/migrate"}


def test_tables_are_upgraded_before_a_new_version_starts_as_canary_and_in_production(
    jenkins: Jenkins,
) -> None:
    calls = commands(jenkins.build(CANARY=True, machine=DATABASE).calls)

    migration = ["apply -f -", "create job migrate --from=cronjob/migrate", "apply -f -"]
    for deployment in ("classifier-canary", "classifier"):
        started = calls.index(f"rollout status deployment/{deployment} --timeout 600s")
        assert calls[started - 3 : started] == migration


def test_a_new_version_does_not_start_on_tables_that_could_not_be_upgraded(
    jenkins: Jenkins,
) -> None:
    outcome = jenkins.build(machine=DATABASE | {"STUB_FAILED_JOB": "migrate"})

    assert outcome.report["result"] == "FAILURE"
    assert "Deployment" not in (outcome.folder / "applied").read_text().split()


def test_images_are_delivered_by_digest(jenkins: Jenkins) -> None:
    outcome = jenkins.build()

    (release,) = outcome.folder.rglob("*-delivery/var/delivery/overlay/release.env")
    digest = f"@sha256:{7:064d}"
    assert release.read_text().splitlines() == [
        f"API_IMAGE=registry.example.com/models/classifier-api{digest}",
        f"TRAINING_IMAGE=registry.example.com/models/classifier-training{digest}",
        f"TESTING_IMAGE=registry.example.com/models/classifier-testing{digest}",
        f"MODEL_VERSION={CANDIDATE}",
    ]


def test_the_service_may_be_the_one_without_tensorflow(jenkins: Jenkins) -> None:
    outcome = jenkins.build(machine={"API_TARGET": "api-slim"})

    (release,) = outcome.folder.rglob("*-delivery/var/delivery/overlay/release.env")
    service = f"API_IMAGE=registry.example.com/models/classifier-api-slim@sha256:{7:064d}"
    assert release.read_text().splitlines()[0] == service


def test_another_service_than_there_is_an_image_of_is_not_built(jenkins: Jenkins) -> None:
    outcome = jenkins.build(machine={"API_TARGET": "training"})

    assert outcome.report["result"] == "FAILURE"
    assert outcome.ran == ["checks", "build"]
    assert not [call for call in outcome.calls if call.startswith("podman")]


def test_a_real_kubectl_makes_of_an_overlay_what_the_stages_select_from(jenkins: Jenkins) -> None:
    """What it does without a cluster is done; what it would send to one is kept in a file."""
    kubectl = jenkins.folder / "bin" / "kubectl"
    stub = kubectl.rename(kubectl.with_name("stub"))
    kubectl.write_text(
        "#!/bin/bash\n"
        f'[[ $1 != kustomize ]] || exec {KUBECTL} "$@"\n'
        f'[[ "$*" != *apply* ]] || exec tee --append {jenkins.folder}/applied.yaml\n'
        f'exec -a kubectl bash -c ". {stub}" kubectl "$@"\n'
    )
    kubectl.chmod(0o755)
    outcome = jenkins.build()

    assert outcome.report["result"] == "SUCCESS", outcome.report["log"]
    objects = list(yaml.safe_load_all((jenkins.folder / "applied.yaml").read_text()))
    (deployment,) = (each for each in objects if each and each["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(f"/classifier-api@sha256:{7:064d}")
    assert {"name": "MODEL_VERSION", "value": CANDIDATE} in container["env"]
    assert {each["kind"] for each in objects if each} == {"ConfigMap", "CronJob", "Deployment"}
    assert {each["metadata"]["namespace"] for each in objects if each} == {"classifier-production"}

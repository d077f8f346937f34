"""The controller as code: what can be told of it without one."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.jenkins.conftest import ROOT, Jenkins

JENKINS = ROOT / "jenkins"
CASC = yaml.safe_load((JENKINS / "casc.yaml").read_text())
AGENTS = list(yaml.safe_load_all((JENKINS / "k8s" / "agents.yaml").read_text()))
CLOUDS = {each["kubernetes"]["name"]: each["kubernetes"] for each in CASC["jenkins"]["clouds"]}
PIPELINES = [ROOT / "Jenkinsfile", JENKINS / "new-data.Jenkinsfile"]


def pods(cloud: str) -> dict[str, Any]:
    """The pods of a cloud, by each of their labels."""
    return {
        label: yaml.safe_load(template["yaml"])["spec"] | {"account": template["serviceAccount"]}
        for template in CLOUDS[cloud]["templates"]
        for label in template["label"].split()
    }


def test_nothing_is_built_on_the_controller() -> None:
    assert CASC["jenkins"]["numExecutors"] == 0


def test_nobody_is_let_in_who_has_not_logged_in() -> None:
    entries = CASC["jenkins"]["authorizationStrategy"]["projectMatrix"]["entries"]
    granted = {entry["user"]["name"]: entry["user"]["permissions"] for entry in entries}

    assert not {"anonymous", "authenticated"} & set(granted)
    assert [name for name in granted if "Overall/Administer" in granted[name]] == ["admin"]
    assert CASC["jenkins"]["securityRealm"]["local"]["allowsSignup"] is False
    assert "standard" in CASC["jenkins"]["crumbIssuer"]


def test_no_secret_stands_in_a_file() -> None:
    text = (JENKINS / "casc.yaml").read_text()
    secrets = re.findall(r"password: (.*)", text)
    assert len(secrets) == 4
    assert all(re.fullmatch(r"\$\{[A-Z_]+\}", secret) for secret in secrets), secrets


def test_what_a_stranger_wrote_runs_without_an_identity() -> None:
    untrusted = pods("untrusted")

    assert set(untrusted) == {"pull-request", "checks"}
    for pod in untrusted.values():
        assert pod["account"] == "nobody"
        assert pod["automountServiceAccountToken"] is False
    policy = next(each for each in AGENTS if each["kind"] == "NetworkPolicy")
    assert policy["metadata"]["namespace"] == CLOUDS["untrusted"]["namespace"]
    assert "169.254.0.0/16" in policy["spec"]["egress"][0]["to"][0]["ipBlock"]["except"]
    bound = [s for each in AGENTS for s in each.get("subjects", ())]
    assert not [subject for subject in bound if subject["name"] == "nobody"]


def test_agents_of_deliveries_are_for_their_folder_alone() -> None:
    assert set(pods("delivery")) == {"images", "delivery"}
    assert CLOUDS["delivery"]["usageRestricted"] is True
    jobs = (JENKINS / "jobs.groovy").read_text()
    assert jobs.count("permittedClouds") == 1
    assert "ForkPullRequestDiscoveryTrait$TrustNobody" in jobs


def test_the_controller_has_no_credential_that_a_job_could_ask_for() -> None:
    assert "credentials" not in CASC
    jobs = (JENKINS / "jobs.groovy").read_text()
    assert set(re.findall(r"credentials(?:Id)?\('(.*?)'\)", jobs)) == {"github"}


def test_the_agents_image_is_made_of_what_its_build_is_shown() -> None:
    text = (JENKINS / "agent" / "Dockerfile").read_text()
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.*) /tmp/$", text, re.M)
        for word in line.split()
    ]
    shown = (JENKINS / "agent" / "Dockerfile.dockerignore").read_text().splitlines()
    assert [name.removeprefix("!") for name in shown if name.startswith("!")] == copied
    assert all((ROOT / name).exists() for name in copied)


def test_agents_have_the_python_of_the_images() -> None:
    # Jenkins' own image follows Debian, which has left 3.11 behind.
    base = re.search(r"^ARG BASE=.*$", (ROOT / "Dockerfile").read_text(), re.M)
    assert base is not None
    text = (JENKINS / "agent" / "Dockerfile").read_text()
    assert base[0] in text
    assert re.findall(r"^FROM (.*)$", text, re.M)[-1] == "${BASE}"


def test_every_agent_that_a_pipeline_asks_for_exists() -> None:
    asked = {
        label for path in PIPELINES for label in re.findall(r"label '(.*?)'", path.read_text())
    }
    assert asked == set(pods("untrusted")) | set(pods("delivery"))


def test_a_delivery_may_not_read_secrets_run_commands_or_widen_its_rights() -> None:
    roles = [each for each in AGENTS if each["kind"] == "Role"]
    assert {role["metadata"]["namespace"] for role in roles} == {
        "classifier-testing",
        "classifier-production",
    }
    rules = [rule for each in AGENTS for rule in each.get("rules", ())]
    resources = {resource for rule in rules for resource in rule["resources"]}
    verbs = {verb for rule in rules for verb in rule["verbs"]}
    assert not resources & {"*", "secrets", "pods/exec", "serviceaccounts", "roles", "rolebindings"}
    assert not resources & {"networkpolicies", "namespaces"}
    assert not verbs & {"*", "impersonate", "escalate", "bind"}


def test_every_plugin_is_pinned() -> None:
    lines = (JENKINS / "plugins.txt").read_text().splitlines()
    plugins = [line for line in lines if line and not line.startswith("#")]
    names = [plugin.partition(":")[0] for plugin in plugins]
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"[a-z0-9-]+:[0-9][\w.-]*", plugin) for plugin in plugins)


@pytest.mark.parametrize("image", [JENKINS / "Dockerfile", JENKINS / "agent" / "Dockerfile"])
def test_every_base_is_pinned(image: Path) -> None:
    bases = re.findall(r"(?:FROM|ARG KUBECTL=|ARG BASE=)\s*(\S+:\S+)", image.read_text())
    assert bases
    assert all(re.search(r":v?\d+\.", base) for base in bases), bases


@pytest.mark.parametrize(("code", "started"), [("0", 1), ("3", 0)])
def test_new_images_start_a_delivery_and_the_same_ones_do_not(
    jenkins: Jenkins, code: str, started: int
) -> None:
    pipeline = (JENKINS / "new-data.Jenkinsfile").read_text()
    report = jenkins.build(jenkinsfile=pipeline, machine={"STUB_NEW_DATA": code}).report

    assert report["result"] == "SUCCESS", report
    assert [build["job"] for build in report["started"]] == ["delivery/classifier/main"] * started


def test_it_is_told_that_nobody_looks_for_new_images(jenkins: Jenkins) -> None:
    pipeline = (JENKINS / "new-data.Jenkinsfile").read_text()
    outcome = jenkins.build(jenkinsfile=pipeline, machine={"STUB_NEW_DATA": "1"})

    assert outcome.report["started"] == []
    assert outcome.subjects == ["[jenkins] FAILURE: delivery/classifier/main #12"]


def test_the_jobs_are_groovy(jenkins: Jenkins) -> None:
    # Only parsed: their methods are the plugin's.
    jobs = f"if (false) {{\n{(JENKINS / 'jobs.groovy').read_text()}\n}}"
    report = jenkins.build(jenkinsfile=jobs).report
    assert report["refused"] == "there is no pipeline"

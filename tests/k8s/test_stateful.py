"""With accounts, their database and traces: what may reach these, and what breaks it."""

from pathlib import Path
from typing import Any

import pytest

from tests.k8s.manifests import Object, name, objects, pods
from tests.k8s.rules import findings

SERVING = {"Deployment/classifier", "Deployment/classifier-canary"}
MIGRATION = "CronJob/migrate"
SELECTED = ("spec", "podSelector", "matchExpressions", 0, "values")
POD = ("spec", "template", "spec")
JOB = ("spec", "jobTemplate", "spec", "template", "spec")


@pytest.fixture
def manifests(stateful_canary: Path) -> list[Object]:
    return objects(stateful_canary)


def test_no_rule_is_broken(stateful: Path, manifests: list[Object]) -> None:
    assert not findings(objects(stateful))
    assert not findings(manifests)


def secrets(manifests: list[Object]) -> dict[str, set[str]]:
    """The owners of the pods that each Secret is mounted in."""
    mounted: dict[str, set[str]] = {}
    for pod in pods(manifests):
        for volume in pod.spec["volumes"]:
            mounted.setdefault(volume.get("secret", {}).get("secretName", ""), set()).add(pod.owner)
    return mounted


def test_only_who_needs_them_gets_the_databases_password_and_the_keys_of_tokens(
    manifests: list[Object],
) -> None:
    assert secrets(manifests)["classifier-database"] == {*SERVING, MIGRATION}
    assert secrets(manifests)["classifier-accounts"] == SERVING


def test_the_tables_are_upgraded_by_the_image_that_serves_next(manifests: list[Object]) -> None:
    images = {pod.owner: pod.container["image"] for pod in pods(manifests)}
    assert {images[MIGRATION]} == {images[owner] for owner in SERVING}


def test_the_migration_can_be_applied_before_all_else(manifests: list[Object]) -> None:
    label = "app.kubernetes.io/part-of"
    first = {name(m) for m in manifests if m["metadata"].get("labels", {}).get(label) == "database"}
    (migration,) = (pod for pod in pods(manifests) if pod.owner == MIGRATION)
    assert first == {MIGRATION, "ServiceAccount/migration", "NetworkPolicy/database"}
    assert f"ServiceAccount/{migration.spec['serviceAccountName']}" in first
    assert "envFrom" not in migration.container, "a ConfigMap of another release may be there"


BREACHES: list[tuple[str, tuple[Any, ...], Any, str]] = [
    (
        "NetworkPolicy/database",
        SELECTED,
        ["service", "migration"],
        "classifier-canary: the policy database leaves it out",
    ),
    (
        "NetworkPolicy/database",
        SELECTED,
        ["service", "canary", "migration", "training"],
        "CronJob/training: the policy database lets it reach",
    ),
    (
        "NetworkPolicy/storage",
        SELECTED,
        ["service", "canary", "training", "gate", "migration"],
        "CronJob/migrate: the policy storage lets it reach",
    ),
    (
        "NetworkPolicy/traces",
        SELECTED,
        ["service"],
        "classifier-canary: the policy traces leaves it out",
    ),
    (
        "NetworkPolicy/traces",
        ("spec", "podSelector"),
        {},
        "CronJob/gate: the policy traces lets it reach",
    ),
    ("NetworkPolicy/database", ("spec", "egress", 0, "ports"), [], "lets everything out"),
    (
        "ServiceAccount/migration",
        ("metadata", "annotations"),
        {"iam.gke.io/gcp-service-account": "x@y"},
        "acts as x@y",
    ),
    ("CronJob/migrate", (*JOB, "volumes", 1, "secret", "secretName"), "url", "Secret/url"),
    ("CronJob/migrate", (*JOB, "containers", 0, "env", 1, "value"), "/tmp/url", "in no Secret"),
    ("CronJob/migrate", (*JOB, "serviceAccountName"), "other", "ServiceAccount/other"),
    (
        "Deployment/classifier",
        (*POD, "containers", 0, "env", 4),
        {"name": "HOME", "value": "/tmp"},
        "ACCOUNTS_ENABLED without a database",
    ),
]


@pytest.mark.parametrize(("which", "path", "value", "sentence"), BREACHES)
def test_a_breach_is_found(
    manifests: list[Object], which: str, path: tuple[Any, ...], value: Any, sentence: str
) -> None:
    place: Any = next(manifest for manifest in manifests if name(manifest) == which)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = findings(manifests)
    assert [finding for finding in found if sentence in finding], found


def test_every_object_of_the_components_counts(stateful: Path) -> None:
    whole = objects(stateful)
    for index, manifest in enumerate(whole):
        if name(manifest) in (
            "NetworkPolicy/database",
            "NetworkPolicy/traces",
            "ServiceAccount/migration",
        ):
            assert findings(whole[:index] + whole[index + 1 :]), name(manifest)

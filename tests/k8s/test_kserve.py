"""The service as an InferenceService: the same pods, and what KServe wants to know besides."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.settings import MODEL_NAME
from tests.k8s.manifests import Object, environment, objects, of_kind, overlay, pods
from tests.k8s.rules import findings
from tests.k8s.validation import SCHEMAS, VERSIONS, errors

OWN = set(
    json.loads((SCHEMAS / "InferenceService.json").read_text())["properties"]["spec"]["properties"][
        "predictor"
    ]["properties"]
) - {"containers"}


def as_deployment(service: Object) -> Object:
    """What KServe makes of an InferenceService, as far as it concerns pods."""
    predictor = service["spec"]["predictor"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": service["metadata"] | {"labels": predictor["labels"]},
        "spec": {
            "selector": {"matchLabels": predictor["labels"]},
            "strategy": predictor["deploymentStrategy"],
            "template": {
                "metadata": {key: predictor[key] for key in ("labels", "annotations")},
                "spec": {key: value for key, value in predictor.items() if key not in OWN},
            },
        },
    }


@pytest.fixture
def manifests(kserve: Path) -> list[Object]:
    return objects(kserve)


@pytest.fixture
def service(manifests: list[Object]) -> Object:
    (found,) = of_kind(manifests, "InferenceService")
    return found


def test_it_is_valid(manifests: list[Object], service: Object) -> None:
    for version in VERSIONS:
        assert not errors(as_deployment(service), version)
        assert not [error for each in manifests for error in errors(each, version)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "predictors"), {}),
        (("spec", "predictor", "minReplicas"), "2"),
        (("spec", "predictor", "scaleMetric"), "gpu"),
        (("spec", "predictor", "deploymentStrategy", "maxSurge"), 1),
        (("spec", "predictor", "containers", 0, "name"), "api"),
        (("spec", "predictor", "containers", 0, "port"), 8000),
        (("spec", "predictor", "volume"), []),
    ],
)
def test_a_wrong_field_is_found(service: Object, path: tuple[Any, ...], value: object) -> None:
    place: Any = service
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert errors(service, VERSIONS[0]) or errors(as_deployment(service), VERSIONS[0])


def test_its_pods_are_those_of_production(manifests: list[Object], service: Object) -> None:
    (own,) = pods([as_deployment(service)])
    (before,) = pods(of_kind(overlay("production"), "Deployment"))
    assert own.labels == before.labels
    environment_before = environment(before, manifests)
    assert environment(own, manifests) == environment_before | {"PROTOCOL": "v2"}
    assert own.container | {"name": "api", "env": before.container["env"]} == before.container
    assert own.spec | {"containers": before.spec["containers"]} == before.spec


def test_clients_that_know_its_name_know_the_model(service: Object) -> None:
    assert service["metadata"]["name"] == MODEL_NAME


def test_no_rule_is_broken(manifests: list[Object], service: Object) -> None:
    manifests[manifests.index(service)] = as_deployment(service)
    assert not findings(manifests)


def test_with_a_database_no_rule_is_broken(stateful_kserve: Path) -> None:
    manifests = objects(stateful_kserve)
    (found,) = of_kind(manifests, "InferenceService")
    manifests[manifests.index(found)] = as_deployment(found)
    assert not findings(manifests)
    assert not [error for each in manifests for error in errors(each, VERSIONS[0])]
    (pod,) = pods([as_deployment(found)])
    assert environment(pod, manifests)["DATABASE_URL_FILE"] == "/run/secrets/database/url"

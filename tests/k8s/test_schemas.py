"""Every manifest against the schemas of two versions of Kubernetes and of the Gateway API."""

from typing import Any

import pytest

from tests.k8s.manifests import OVERLAYS, Object, name, objects, of_kind, overlay
from tests.k8s.validation import VERSIONS, errors


def refused(manifests: list[Object]) -> dict[str, list[str]]:
    """What is wrong, by object and version."""
    found = {f"{name(m)} in {v}": errors(m, v) for m in manifests for v in VERSIONS}
    return {where: what for where, what in found.items() if what}


def test_there_are_overlays() -> None:
    assert OVERLAYS == ("production", "production-canary", "production-shadow", "testing")


@pytest.mark.parametrize("environment", OVERLAYS)
def test_every_object_of_an_overlay_is_valid(environment: str) -> None:
    assert not refused(overlay(environment))


@pytest.mark.parametrize("components", ["gpu", "slim", "stateful", "stateful_canary"])
def test_with_other_components_it_is_valid_too(
    components: str, request: pytest.FixtureRequest
) -> None:
    assert not refused(objects(request.getfixturevalue(components)))


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ("spec", "replica"), 2),
        ("Deployment", ("spec", "template", "spec", "terminationGracePeriodSeconds"), "45"),
        ("Deployment", ("spec", "selector"), []),
        ("Service", ("spec", "port"), 8000),
        ("HorizontalPodAutoscaler", ("spec", "maxReplicas"), "10"),
        ("PodDisruptionBudget", ("spec", "maxUnavailible"), 1),
        ("NetworkPolicy", ("spec", "egres"), []),
        ("CronJob", ("spec", "jobTemplate", "spec", "backOffLimit"), 1),
        ("Gateway", ("spec", "gatewayClassName"), 1),
        ("Gateway", ("spec", "listeners", 0, "prot"), 443),
        ("HTTPRoute", ("spec", "rules", 0, "backendRefs", 0, "weight"), "90"),
        ("HTTPRoute", ("spec", "rules", 0, "filters"), [{"type": "Mirror"}]),
        ("HTTPRoute", ("spec", "rule"), []),
        ("HealthCheckPolicy", ("spec", "default", "config", "httpHealthCheck", "path"), "/"),
        ("GCPBackendPolicy", ("spec", "default", "timeoutSecs"), 40),
    ],
)
def test_a_wrong_field_is_found(kind: str, path: tuple[Any, ...], value: object) -> None:
    manifests = overlay("production-shadow")
    place: Any = of_kind(manifests, kind)[0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert len(refused(manifests)) == len(VERSIONS)

"""What we ask of the manifests holds, and the rules find each breach of it."""

from pathlib import Path
from typing import Any

import pytest

from tests.k8s.manifests import OVERLAYS, environment, objects, of_kind, overlay, pods
from tests.k8s.rules import findings
from tests.test_dockerfile import steps


@pytest.mark.parametrize("environment_name", OVERLAYS)
def test_an_overlay_breaks_no_rule(environment_name: str) -> None:
    assert not findings(overlay(environment_name))


def test_with_gpus_no_rule_is_broken(gpu: Path) -> None:
    manifests = objects(gpu)
    assert not findings(manifests)
    wanting = {pod.owner for pod in pods(manifests) if "tolerations" in pod.spec}
    assert wanting == {"Deployment/classifier", "CronJob/training"}


def test_without_tensorflow_no_rule_is_broken_and_less_memory_is_asked_for(slim: Path) -> None:
    manifests = objects(slim)
    assert not findings(manifests)
    before, after = (
        next(pods(of_kind(found, "Deployment"))).container["resources"]["limits"]
        for found in (overlay("production"), manifests)
    )
    assert after == before | {"memory": "1Gi"}
    runtimes = {
        pod.owner: environment(pod, manifests).get("MODEL_RUNTIME") for pod in pods(manifests)
    }
    assert {owner for owner, runtime in runtimes.items() if runtime} == {"Deployment/classifier"}
    assert runtimes["Deployment/classifier"] == steps("api-slim", "ENV")[-1].partition("=")[2]


POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
JOB = ("spec", "jobTemplate", "spec")
JOB_CONTAINER = (*JOB, "template", "spec", "containers", 0)
RULE = ("spec", "rules", 0)
REMOVED: Any = object()

MUTATIONS: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("Deployment/classifier", (*POD, "securityContext", "runAsNonRoot"), False, "root"),
    ("Deployment/classifier", (*POD, "securityContext", "runAsUser"), 0, "root"),
    ("Deployment/classifier", (*POD, "securityContext", "seccompProfile"), REMOVED, "seccomp"),
    ("Deployment/classifier", (*POD, "hostNetwork"), True, "namespaces"),
    ("Deployment/classifier", (*POD, "automountServiceAccountToken"), REMOVED, "token"),
    ("Deployment/classifier", (*POD, "enableServiceLinks"), REMOVED, "of Services"),
    ("Deployment/classifier", (*POD, "serviceAccountName"), "api", "ServiceAccount/api"),
    ("Deployment/classifier", (*POD, "topologySpreadConstraints"), [], "not spread"),
    ("Deployment/classifier", (*POD, "terminationGracePeriodSeconds"), 30, "to end"),
    ("Deployment/classifier", (*POD, "volumes", 1), {"name": "tmp", "hostPath": {}}, "not allowed"),
    ("Deployment/classifier", (*POD, "volumes", 1, "emptyDir"), {}, "no limit"),
    ("Deployment/classifier", (*POD, "volumes", 1), REMOVED, "differ"),
    (
        "Deployment/classifier",
        (*POD, "volumes", 1, "emptyDir", "sizeLimit"),
        "1Gi",
        "500 requests do not fit",
    ),
    (
        "Deployment/classifier",
        (*CONTAINER, "env", 0),
        {"name": "SERVE_CONNECTION_LIMIT", "value": "1000"},
        "1000 requests do not fit",
    ),
    (
        "Deployment/classifier",
        (*CONTAINER, "resources", "limits", "ephemeral-storage"),
        "4Gi",
        "more room than its limit",
    ),
    ("Deployment/classifier", (*CONTAINER, "securityContext"), REMOVED, "capabilities"),
    (
        "Deployment/classifier",
        (*CONTAINER, "securityContext", "allowPrivilegeEscalation"),
        REMOVED,
        "gain privileges",
    ),
    (
        "Deployment/classifier",
        (*CONTAINER, "securityContext", "capabilities", "add"),
        ["SYS_ADMIN"],
        "keeps capabilities",
    ),
    (
        "Deployment/classifier",
        (*CONTAINER, "securityContext", "readOnlyRootFilesystem"),
        False,
        "write to its image",
    ),
    ("Deployment/classifier", (*CONTAINER, "ports", 0, "hostPort"), 80, "port of the node"),
    ("Deployment/classifier", (*CONTAINER, "ports", 0, "name"), "web", "no port http"),
    ("Deployment/classifier", (*CONTAINER, "ports", 0, "containerPort"), 80, "SERVE_PORT"),
    ("Deployment/classifier", (*CONTAINER, "image"), "classifier-api", "no registry"),
    ("Deployment/classifier", (*CONTAINER, "image"), "a.dev:5000/api", "no tag"),
    ("Deployment/classifier", (*CONTAINER, "lifecycle"), REMOVED, "load balancers"),
    (
        "Deployment/classifier",
        (*CONTAINER, "readinessProbe", "httpGet", "path"),
        "/health",
        "readiness",
    ),
    ("Deployment/classifier", (*CONTAINER, "livenessProbe"), REMOVED, "liveness"),
    ("Deployment/classifier", (*CONTAINER, "startupProbe", "httpGet", "port"), "web", "startup"),
    ("Deployment/classifier", (*CONTAINER, "resources", "limits", "memory"), REMOVED, "memory"),
    ("Deployment/classifier", (*CONTAINER, "resources", "limits", "memory"), "3Gi", "less memory"),
    ("Deployment/classifier", (*CONTAINER, "resources", "limits", "cpu"), "500m", "more cpu"),
    ("Deployment/classifier", (*CONTAINER, "resources", "limits", "cpu"), "1", "fewer CPUs"),
    (
        "Deployment/classifier",
        (*CONTAINER, "env", 1),
        {"name": "MODEL_VERSOIN", "value": "follow"},
        "MODEL_VERSOIN",
    ),
    (
        "Deployment/classifier",
        (*CONTAINER, "env", 0),
        {"name": "MODEL_CACHE", "value": "/var/cache"},
        "MODEL_CACHE=/var/cache",
    ),
    (
        "Deployment/classifier",
        (*CONTAINER, "envFrom", 0, "configMapRef", "name"),
        "classifier",
        "ConfigMap/classifier",
    ),
    ("Deployment/classifier", ("spec", "replicas"), 2, "sets the replicas"),
    ("Deployment/classifier", ("metadata", "namespace"), "default", "another namespace"),
    (
        "Deployment/classifier",
        ("spec", "selector", "matchLabels"),
        {"app.kubernetes.io/name": "classifier"},
        "Deployment/classifier: selects",
    ),
    (
        "Service/classifier",
        ("spec", "selector", "app.kubernetes.io/component"),
        "api",
        "Service/classifier: selects []",
    ),
    ("Service/classifier", ("spec", "ports", 0, "targetPort"), "web", "no port web"),
    ("Service/classifier-canary", ("spec", "ports", 0, "port"), 80, "classifier-canary with port"),
    ("Service/classifier-canary", ("metadata", "name"), "canary", "there is no Service"),
    (
        "HorizontalPodAutoscaler/classifier",
        ("spec", "scaleTargetRef", "name"),
        "api",
        "Deployment/api is not there",
    ),
    (
        "PodDisruptionBudget/classifier",
        ("spec", "selector", "matchLabels", "app.kubernetes.io/name"),
        "api",
        "PodDisruptionBudget/classifier: selects no pod",
    ),
    ("HTTPRoute/classifier", (*RULE, "backendRefs", 0, "weight"), 91, "add up"),
    ("HTTPRoute/classifier", ("spec", "parentRefs", 0, "sectionName"), "http", "no listener"),
    ("HTTPRoute/classifier", (*RULE, "matches", 0, "path", "value"), "/predit", "no route"),
    ("HTTPRoute/classifier", (*RULE, "matches", 0, "path", "value"), "/metrics", "shown outside"),
    (
        "HTTPRoute/classifier",
        (*RULE, "matches", 2, "path"),
        {"type": "PathPrefix", "value": "/"},
        "shown outside",
    ),
    (
        "HealthCheckPolicy/classifier-canary",
        ("spec", "targetRef", "name"),
        "x",
        "without a HealthCheck",
    ),
    ("NetworkPolicy/default-deny", ("spec", "egress"), [{}], "nothing denies all"),
    ("NetworkPolicy/default-deny", ("spec", "policyTypes"), ["Ingress"], "nothing denies all"),
    ("NetworkPolicy/callers", ("spec", "ingress", 0, "from"), REMOVED, "lets everybody in"),
    ("NetworkPolicy/callers", ("spec", "ingress", 0, "ports", 0, "port"), "web", "no port web"),
    ("NetworkPolicy/storage", ("spec", "egress", 0, "to"), REMOVED, "lets everything out"),
    ("NetworkPolicy/names", ("spec", "podSelector", "matchLabels"), {"a": "b"}, "names leaves it"),
    (
        "NetworkPolicy/storage",
        ("spec", "podSelector", "matchExpressions", 0, "values"),
        ["service"],
        "storage leaves it out",
    ),
    (
        "Namespace/classifier-production",
        ("metadata", "labels", "pod-security.kubernetes.io/enforce"),
        "baseline",
        "enforce restricted",
    ),
    ("ServiceAccount/gate", ("automountServiceAccountToken",), True, "gives out tokens"),
    ("ServiceAccount/gate", ("metadata", "annotations"), {}, "acts as nobody"),
    ("CronJob/gate", (*JOB, "backoffLimit"), 1, "a verdict twice"),
    ("CronJob/gate", (*JOB, "backoffLimit"), REMOVED, "no backoffLimit"),
    ("CronJob/gate", (*JOB, "activeDeadlineSeconds"), REMOVED, "no activeDeadlineSeconds"),
    ("CronJob/gate", (*JOB, "ttlSecondsAfterFinished"), REMOVED, "no ttlSecondsAfterFinished"),
    ("CronJob/gate", ("spec", "suspend"), False, "by itself"),
    ("CronJob/gate", (*JOB, "template", "spec", "restartPolicy"), "OnFailure", "again in place"),
    (
        "CronJob/training",
        (*JOB, "template", "spec", "volumes", 0),
        {"name": "smtp", "secret": {"secretName": "classifier-signing-key"}},
        "signing key",
    ),
    (
        "CronJob/gate",
        (*JOB, "template", "spec", "volumes", 0),
        {"name": "smtp", "secret": {"secretName": "smtp"}},
        "Secret/smtp",
    ),
    ("CronJob/gate", (*JOB_CONTAINER, "volumeMounts", 0, "readOnly"), False, "may write to smtp"),
    (
        "CronJob/gate",
        (*JOB_CONTAINER, "env", 0),
        {"name": "GATE_DATA", "valueFrom": {"secretKeyRef": {}}, "value": ""},
        "secret in a variable",
    ),
    ("CronJob/judge", ("kind",), "Secret", "stands in the repository"),
]


@pytest.mark.parametrize(("which", "path", "value", "sentence"), MUTATIONS)
def test_a_breach_is_found(which: str, path: tuple[Any, ...], value: Any, sentence: str) -> None:
    manifests = overlay("production-canary")
    kind, name = which.split("/")
    place: Any = next(m for m in of_kind(manifests, kind) if m["metadata"]["name"] == name)
    for key in path[:-1]:
        place = place[key]
    if value is REMOVED:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    found = findings(manifests)
    assert [finding for finding in found if sentence in finding], found


def test_every_object_counts() -> None:
    """Whatever is left out, somebody misses it; but for what only makes more or fewer pods."""
    whole = overlay("production-canary")
    spared = {"HorizontalPodAutoscaler", "PodDisruptionBudget", "HTTPRoute", "GCPBackendPolicy"}
    spared |= {"CronJob"}
    for index, manifest in enumerate(whole):
        if manifest["kind"] in spared or manifest["metadata"]["name"].startswith("classifier-pods"):
            continue
        rest = whole[:index] + whole[index + 1 :]
        assert findings(rest), manifest["metadata"]["name"]

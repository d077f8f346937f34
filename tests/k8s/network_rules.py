"""What we ask of network policies."""

from collections.abc import Iterator, Sequence

from tests.k8s.manifests import Object, Pod, environment, matches, name, of_kind, pods

OPTIONAL = {"database", "judge", "storage", "traces"}  # ways out that not every pod may have
CLOUDLESS = {"judge", "migration"}


def denied(manifests: Sequence[Object]) -> Iterator[str]:
    """Without a policy that allows it nothing goes in or out."""
    empty = [
        policy["spec"]
        for policy in of_kind(manifests, "NetworkPolicy")
        if not {"ingress", "egress"} & set(policy["spec"])
    ]
    if empty != [{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]:
        yield "NetworkPolicy: nothing denies all"


def narrow(manifests: Sequence[Object]) -> Iterator[str]:
    """No policy allows everything, or anything to nobody."""
    for policy in of_kind(manifests, "NetworkPolicy"):
        chosen = [p for p in pods(manifests) if matches(policy["spec"]["podSelector"], p.labels)]
        if not chosen:
            yield f"{name(policy)}: selects no pod"
        for rule in policy["spec"].get("ingress", []):
            if not rule.get("from") or not rule.get("ports"):
                yield f"{name(policy)}: lets everybody in"
            for port in rule.get("ports", []):
                if any(port["port"] not in pod.ports for pod in chosen):
                    yield f"{name(policy)}: its pods have no port {port['port']}"
        for rule in policy["spec"].get("egress", []):
            if not rule.get("to") or not rule.get("ports"):
                yield f"{name(policy)}: lets everything out"


def connected(manifests: Sequence[Object]) -> Iterator[str]:
    """Each pod is selected by the policies that it cannot work without, and by no other way out."""
    policies = of_kind(manifests, "NetworkPolicy")
    for pod in pods(manifests):
        wanted = _wanted(pod, environment(pod, manifests))
        own = {
            policy["metadata"]["name"]
            for policy in policies
            if matches(policy["spec"]["podSelector"], pod.labels)
        }
        for missing in sorted(wanted - own):
            yield f"{pod.owner}: the policy {missing} leaves it out"
        for needless in sorted((own & OPTIONAL) - wanted):
            yield f"{pod.owner}: the policy {needless} lets it reach what it does not use"


def _wanted(pod: Pod, variables: dict[str, str]) -> set[str]:
    """The policies that a pod works by."""
    wanted = {"names", "mail"}
    if pod.stage in ("service", "canary"):
        wanted |= {"callers", "load-balancer"}
        wanted |= {"traces"} if variables.get("TRACE_ENABLED") == "true" else set()
    if pod.stage not in CLOUDLESS:
        wanted |= {"storage"}
    if pod.stage == "judge":
        wanted |= {"judge"}
    if variables.get("DATABASE_URL_FILE"):
        wanted |= {"database"}
    return wanted

"""What we ask of objects and of how they refer to one another."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from tests.k8s.manifests import Object, matches, name, of_kind, pods
from tests.k8s.network_rules import CLOUDLESS
from tests.k8s.pod_rules import SIGNERS, Rule, secret


def referring(outside: Mapping[str, Collection[str]]) -> Rule:
    """What is referred to is there, or is documented as somebody's to make."""

    def rule(manifests: Sequence[Object]) -> Iterator[str]:
        there = {name(manifest) for manifest in manifests}
        there |= {f"{kind}/{one}" for kind, names in outside.items() for one in names}
        for pod in pods(manifests):
            wanted = {f"ServiceAccount/{pod.spec.get('serviceAccountName', 'default')}"}
            for source in pod.container.get("envFrom", []):
                wanted.add(f"ConfigMap/{source['configMapRef']['name']}")
            for volume in pod.spec.get("volumes", []):
                if "configMap" in volume:
                    wanted.add(f"ConfigMap/{volume['configMap']['name']}")
                if "secret" in volume:
                    wanted.add(f"Secret/{secret(volume)}")
            for missing in sorted(wanted - there):
                yield f"{pod.owner}: {missing} is neither here nor documented"
        if of_kind(manifests, "Secret"):
            yield "a Secret stands in the repository"

    return rule


def selecting(manifests: Sequence[Object]) -> Iterator[str]:
    """Selectors select the pods they are meant for, and no other Deployment's."""
    serving = list(pods(of_kind(manifests, "Deployment")))
    for deployment in of_kind(manifests, "Deployment"):
        chosen = [p.owner for p in serving if matches(deployment["spec"]["selector"], p.labels)]
        if chosen != [name(deployment)]:
            yield f"{name(deployment)}: selects {chosen}"
    for service in of_kind(manifests, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        found = [pod for pod in serving if matches(selector, pod.labels)]
        if len(found) != 1:
            yield f"{name(service)}: selects {[pod.owner for pod in found]}"
        for port in service["spec"]["ports"]:
            if any(port["targetPort"] not in pod.ports for pod in found):
                yield f"{name(service)}: its pods have no port {port['targetPort']}"


def aiming(manifests: Sequence[Object]) -> Iterator[str]:
    """What acts on another object finds it."""
    there = {name(manifest) for manifest in manifests}
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler"):
        target = "{kind}/{name}".format_map(scaler["spec"]["scaleTargetRef"])
        if target not in there:
            yield f"{name(scaler)}: {target} is not there"
        for deployment in of_kind(manifests, "Deployment"):
            if name(deployment) == target and "replicas" in deployment["spec"]:
                yield f"{target}: sets the replicas that {name(scaler)} decides"
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        if not any(matches(budget["spec"]["selector"], pod.labels) for pod in pods(manifests)):
            yield f"{name(budget)}: selects no pod"


def checked(manifests: Sequence[Object]) -> Iterator[str]:
    """The load balancer knows how to ask each Service that it sends requests to."""
    for kind in ("HealthCheckPolicy", "GCPBackendPolicy"):
        targets = {policy["spec"]["targetRef"]["name"] for policy in of_kind(manifests, kind)}
        routed = {backend["name"] for backend in _backends(manifests)}
        for service in sorted(targets ^ routed):
            yield f"Service/{service}: is routed to without a {kind}, or the other way round"


def routing(manifests: Sequence[Object]) -> Iterator[str]:
    """Routes lead from a Gateway to Services, with weights that add up to 100."""
    listeners = {
        (gateway["metadata"]["name"], listener["name"])
        for gateway in of_kind(manifests, "Gateway")
        for listener in gateway["spec"]["listeners"]
    }
    for route in of_kind(manifests, "HTTPRoute"):
        for parent in route["spec"]["parentRefs"]:
            if (parent["name"], parent.get("sectionName")) not in listeners:
                yield f"{name(route)}: has no listener {parent}"
        for rule in route["spec"]["rules"]:
            if sum(backend["weight"] for backend in rule["backendRefs"]) != 100:
                yield f"{name(route)}: the weights do not add up to 100"
    services = {
        (service["metadata"]["name"], port["port"])
        for service in of_kind(manifests, "Service")
        for port in service["spec"]["ports"]
    }
    for backend in _backends(manifests):
        if (backend["name"], backend["port"]) not in services:
            yield f"HTTPRoute: there is no Service {backend['name']} with port {backend['port']}"


def exposing(routes: Collection[str]) -> Rule:
    """Callers outside reach routes of the service, and not its figures."""

    def rule(manifests: Sequence[Object]) -> Iterator[str]:
        for route in of_kind(manifests, "HTTPRoute"):
            paths = [match["path"] for rule in route["spec"]["rules"] for match in rule["matches"]]
            for path in paths:
                reached = _reached(path, routes)
                if not reached:
                    yield f"{name(route)}: {path} is no route of the service"
                if "/metrics" in reached:
                    yield f"{name(route)}: figures are shown outside"

    return rule


def _reached(path: Object, routes: Collection[str]) -> set[str]:
    """The routes that a match leads to."""
    value = path["value"]
    if path["type"] == "Exact":
        return {value} & set(routes)
    return {each for each in routes if each == value or each.startswith(f"{value.rstrip('/')}/")}


def placed(manifests: Sequence[Object]) -> Iterator[str]:
    """Everything is in the one namespace, which enforces `restricted`."""
    spaces = of_kind(manifests, "Namespace")
    if len(spaces) != 1:
        yield "there is no namespace, or several"
    for space in spaces:
        own = space["metadata"]
        if own["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{name(space)}: does not enforce restricted"
        for manifest in manifests:
            if manifest is not space and manifest["metadata"].get("namespace") != own["name"]:
                yield f"{name(manifest)}: is in another namespace"


def bounded(manifests: Sequence[Object]) -> Iterator[str]:
    """Jobs end, are not tried for ever, are cleared away, and never start by themselves."""
    for job in of_kind(manifests, "CronJob"):
        spec = job["spec"]["jobTemplate"]["spec"]
        for field in ("backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
            if field not in spec:
                yield f"{name(job)}: has no {field}"
        if not job["spec"].get("suspend"):
            yield f"{name(job)}: runs by itself"
        if spec["template"]["spec"].get("restartPolicy") != "Never":
            yield f"{name(job)}: is started again in place"
        (pod,) = pods([job])
        if pod.stage in SIGNERS and spec.get("backoffLimit"):
            yield f"{name(job)}: asks for a verdict twice"


def accounted(manifests: Sequence[Object]) -> Iterator[str]:
    """Each stage acts as its own Google account, if as any, and has no token of the cluster."""
    for account in of_kind(manifests, "ServiceAccount"):
        own = account["metadata"]
        google = own.get("annotations", {}).get("iam.gke.io/gcp-service-account", "nobody")
        user, _, domain = google.partition("@")
        if account.get("automountServiceAccountToken") is not False:
            yield f"{name(account)}: gives out tokens"
        if own["name"] in CLOUDLESS:
            acts = google == "nobody"
        else:
            acts = user == f"classifier-{own['name']}" and domain.endswith(
                ".iam.gserviceaccount.com"
            )
        if not acts:
            yield f"{name(account)}: acts as {google}"


def _backends(manifests: Sequence[Object]) -> Iterator[Object]:
    for route in of_kind(manifests, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            yield from rule["backendRefs"]
            for entry in rule.get("filters", []):
                yield entry["requestMirror"]["backendRef"]

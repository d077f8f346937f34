"""What we ask of every pod. Each rule yields sentences about what breaks it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from decimal import Decimal

from tests.k8s.manifests import Object, Pod, environment, matches, of_kind, pods

Rule = Callable[[Sequence[Object]], Iterator[str]]

UNIT = {"m": Decimal("0.001"), "": 1, "Mi": 2**20, "Gi": 2**30}
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"}
VOLUMES |= {"projected", "secret"}
PROBES = {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/ready"}
TOPOLOGY = {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
MARGIN = 10  # seconds that a process has besides its own time-outs
SIGNERS = {"gate"}


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity as a number."""
    unit = text.lstrip("0123456789.")
    return Decimal(text.removesuffix(unit)) * UNIT[unit]


def each(rule: Callable[[Pod], Iterator[str]]) -> Rule:
    """A rule for every pod."""

    def on_all(manifests: Sequence[Object]) -> Iterator[str]:
        for pod in pods(manifests):
            for finding in rule(pod):
                yield f"{pod.owner}: {finding}"

    return on_all


@each
def restricted(pod: Pod) -> Iterator[str]:
    """The profile `restricted` of https://kubernetes.io/docs/concepts/security/pod-security-standards/."""
    whole, own = pod.spec.get("securityContext", {}), pod.container.get("securityContext", {})
    if not whole.get("runAsNonRoot") or not whole.get("runAsUser"):
        yield "runs as root"
    if whole.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
        yield "may gain privileges"
    if own.get("capabilities") != {"drop": ["ALL"]}:
        yield "keeps capabilities"
    if any(pod.spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "shares the node's namespaces"
    if any("hostPort" in port for port in pod.container.get("ports", [])):
        yield "takes a port of the node"
    for volume in pod.spec.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"the volume {volume['name']} is of a kind that is not allowed"


@each
def closed(pod: Pod) -> Iterator[str]:
    """What `restricted` does not ask, and we do."""
    if not pod.container.get("securityContext", {}).get("readOnlyRootFilesystem"):
        yield "may write to its image"
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield "is given a token"
    if pod.spec.get("enableServiceLinks") is not False:
        yield "is given variables of Services, which settings refuse"
    for volume in pod.spec.get("volumes", []):
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"the volume {volume['name']} has no limit"


@each
def limited(pod: Pod) -> Iterator[str]:
    """Requests and limits; of memory the same, as what is over the request can be killed."""
    resources = pod.container.get("resources", {})
    for resource in ("cpu", "memory", "ephemeral-storage"):
        request, limit = (resources.get(kind, {}).get(resource) for kind in ("requests", "limits"))
        if request is None or limit is None:
            yield f"has no request or limit of {resource}"
        elif quantity(request) > quantity(limit):
            yield f"asks for more {resource} than its limit"
        elif resource == "memory" and quantity(request) != quantity(limit):
            yield "asks for less memory than its limit"


@each
def stored(pod: Pod) -> Iterator[str]:
    """A pod that fills all its volumes is not evicted for that."""
    volumes = [volume["emptyDir"] for volume in pod.spec["volumes"] if "emptyDir" in volume]
    needed = sum(quantity(volume.get("sizeLimit", "0")) for volume in volumes)
    limit = pod.container.get("resources", {}).get("limits", {}).get("ephemeral-storage", "0")
    if needed > quantity(limit):
        yield f"its volumes have more room than its limit of {limit}"


def receiving(connections: int, body: int) -> Rule:
    """There is room in /tmp for a whole request of each connection, where the service keeps them.

    Args:
        connections: that are open at once unless a variable says how many.
        body: bytes of the largest one.
    """

    def rule(manifests: Sequence[Object]) -> Iterator[str]:
        for pod in pods(of_kind(manifests, "Deployment")):
            volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
            room = quantity(volumes.get("tmp", {}).get("emptyDir", {}).get("sizeLimit", "0"))
            most = int(environment(pod, manifests).get("SERVE_CONNECTION_LIMIT", connections))
            if room < most * body:
                yield f"{pod.owner}: {most} requests do not fit into its /tmp"

    return rule


@each
def mounted(pod: Pod) -> Iterator[str]:
    """What is mounted exists, and secrets are mounted where they are needed and read-only."""
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", [])}
    mounts = {mount["name"]: mount for mount in pod.container.get("volumeMounts", [])}
    if set(volumes) != set(mounts):
        yield f"volumes {sorted(volumes)} and mounts {sorted(mounts)} differ"
    if mounts.get("tmp", {}).get("mountPath") != "/tmp":
        yield "has no /tmp to write to"
    for key in set(volumes) & set(mounts):
        if "emptyDir" not in volumes[key] and not mounts[key].get("readOnly"):
            yield f"may write to {key}"
    if "classifier-signing-key" in map(secret, volumes.values()) and pod.stage not in SIGNERS:
        yield "is given the signing key"
    if any("valueFrom" in entry for entry in pod.container.get("env", [])):
        yield "has a secret in a variable"


@each
def imaged(pod: Pod) -> Iterator[str]:
    """Images come from somewhere."""
    image = pod.container["image"]
    if "/" not in image or not ({":", "@"} & set(image.rpartition("/")[2])):
        yield f"the image {image} has no registry or no tag"


@each
def spread(pod: Pod) -> Iterator[str]:
    """Pods that serve stand in several zones and on several nodes."""
    constraints = pod.spec.get("topologySpreadConstraints", [])
    own = [c for c in constraints if matches(c["labelSelector"], pod.labels)]
    keys = {constraint["topologyKey"] for constraint in own}
    if pod.owner.startswith("Deployment/") and not keys >= TOPOLOGY:
        yield "is not spread over zones and nodes"


def answering(routes: Collection[str]) -> Rule:
    """Probes ask what the service answers, at the port where it listens."""

    def rule(manifests: Sequence[Object]) -> Iterator[str]:
        for pod in pods(of_kind(manifests, "Deployment")):
            ports = {port["name"]: port["containerPort"] for port in pod.container["ports"]}
            if str(ports.get("http")) != environment(pod, manifests).get("SERVE_PORT"):
                yield f"{pod.owner}: SERVE_PORT is not the port that is named http"
            for probe, path in PROBES.items():
                get = pod.container.get(probe, {}).get("httpGet", {})
                if get.get("path") != path or path not in routes or get.get("port") not in ports:
                    yield f"{pod.owner}: its {probe} does not ask GET {path} at a named port"

    return rule


def patient(manifests: Sequence[Object]) -> Iterator[str]:
    """A pod that leaves has the time to answer what it has begun."""
    for pod in pods(of_kind(manifests, "Deployment")):
        sleep = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        variables = environment(pod, manifests)
        needed = int(variables.get("SERVE_SHUTDOWN_TIMEOUT", 0)) + sleep.get("seconds", 0) + MARGIN
        if not sleep:
            yield f"{pod.owner}: ends while load balancers still send requests"
        if pod.spec.get("terminationGracePeriodSeconds", 30) < needed:
            yield f"{pod.owner}: has less than {needed} s to end"


def threaded(manifests: Sequence[Object]) -> Iterator[str]:
    """TensorFlow computes with as many threads as there are CPUs for it."""
    for pod in pods(manifests):
        threads = environment(pod, manifests).get("TF_NUM_INTRAOP_THREADS", "")
        if pod.stage != "judge" and int(threads or 0) > quantity(
            pod.container["resources"]["limits"]["cpu"]
        ):
            yield f"{pod.owner}: has {threads} threads for fewer CPUs"


def declared(known: Collection[str]) -> Rule:
    """Every variable is a setting of ours, or one that we know of."""

    def rule(manifests: Sequence[Object]) -> Iterator[str]:
        for pod in pods(manifests):
            for variable in sorted(set(environment(pod, manifests)) - set(known)):
                yield f"{pod.owner}: {variable} is not a setting"

    return rule


def filed(manifests: Sequence[Object]) -> Iterator[str]:
    """Each variable that names a file with a secret names one in a Secret that is mounted."""
    for pod in pods(manifests):
        secrets = {v["name"] for v in pod.spec.get("volumes", []) if "secret" in v}
        mounts = pod.container.get("volumeMounts", [])
        folders = {mount["mountPath"] for mount in mounts if mount["name"] in secrets}
        for variable, value in environment(pod, manifests).items():
            if variable.endswith("_FILE") and value.rpartition("/")[0] not in folders:
                yield f"{pod.owner}: {variable}={value} is in no Secret"


def kept(manifests: Sequence[Object]) -> Iterator[str]:
    """What is to outlast a pod is in a database, as its own files go with it."""
    for pod in pods(of_kind(manifests, "Deployment")):
        variables = environment(pod, manifests)
        for switch in ("ACCOUNTS_ENABLED", "AUDIT_ENABLED"):
            if variables.get(switch) == "true" and not variables.get("DATABASE_URL_FILE"):
                yield f"{pod.owner}: {switch} without a database"


def writable(folders: Collection[str]) -> Rule:
    """Each folder that a setting names for writing is a volume that can be written to."""

    def rule(manifests: Sequence[Object]) -> Iterator[str]:
        for pod in pods(manifests):
            empty = {v["name"] for v in pod.spec.get("volumes", []) if "emptyDir" in v}
            mounts = pod.container.get("volumeMounts", [])
            paths = {mount["mountPath"] for mount in mounts if mount["name"] in empty}
            # MODEL_CACHE is known to all, and used by the service alone.
            own = {"MODEL_CACHE"} if pod.stage not in ("service", "canary") else set()
            for variable, value in environment(pod, manifests).items():
                if variable in set(folders) - own and value not in paths:
                    yield f"{pod.owner}: {variable}={value} cannot be written to"

    return rule


def secret(volume: Object) -> str:
    """The name of the Secret in a volume, if any."""
    return str(volume.get("secret", {}).get("secretName", ""))

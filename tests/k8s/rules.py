"""All rules, with what they take from the code and from the README."""

import re
from collections.abc import Sequence
from typing import Any

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.accounts import routes as accounts_routes
from api.app import create_app
from api.assembly import SHARED
from api.batcher import Batcher
from api.catalogue import Catalogue
from api.holder import Holder
from api.metrics import Metrics
from api.payloads import MAX_BODY
from api.service import Service
from api.settings import ServeSettings
from database.settings import DatabaseSettings
from process.logs import LogSettings
from process.settings import Settings, declared
from registry.memory import MemoryBackend
from registry.settings import RegistrySettings
from registry.store import Registry
from rollout.settings import RolloutSettings
from testing.settings import GateSettings
from tests.k8s import network_rules, object_rules, pod_rules
from tests.k8s.manifests import K8S, Object
from training.settings import TrainSettings

EVERYWHERE: tuple[type[Settings], ...] = (RegistrySettings, LogSettings, AlertSettings)
STAGES: dict[str, tuple[type[Settings], ...]] = {
    "service": (ServeSettings, *SHARED, LogSettings),
    "canary": (ServeSettings, *SHARED, LogSettings),
    "training": (TrainSettings, *EVERYWHERE),
    "gate": (GateSettings, *EVERYWHERE),
    "judge": (RolloutSettings, LogSettings, AlertSettings),
    "migration": (DatabaseSettings, LogSettings),
}

# Other programs' own, and what Kubernetes puts into a command's arguments.
FOREIGN = {"HOME", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "PROTOCOL", "CANDIDATE"}
FOREIGN |= {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
SECRETS = {"ALERT_SMTP_PASSWORD_FILE", "DATABASE_URL_FILE", "ACCOUNTS_SECRET_KEYS_FILE"}
WRITTEN = {"MODEL_CACHE", "TRAIN_WORK", "GATE_REPORTS"}


def routes() -> set[str]:
    """What the service answers to, with accounts."""
    metrics = Metrics()
    batcher: Batcher[Any, Any] = Batcher(Holder().answer, 1, 64)
    alerts = open_alerts(AlertSettings(), "api")
    catalogue = Catalogue(Registry(MemoryBackend(), "tester"))
    app = create_app(Service(Holder(), batcher, lambda: None, alerts, 1, metrics, catalogue))
    app.register_blueprint(accounts_routes.routes)
    return {rule.rule for rule in app.url_map.iter_rules()}


def variables() -> set[str]:
    """Every variable that a program of ours reads."""
    declarations = {declaration for own in STAGES.values() for declaration in own}
    names = {name for name, _ in declared(tuple(declarations))}
    return names | SECRETS | FOREIGN


def documented() -> dict[str, list[str]]:
    """What the README asks people to make, by kind."""
    text = (K8S / "README.md").read_text()
    found: dict[str, list[str]] = {}
    for kind, name in re.findall(r"^\| (ConfigMap|Secret) \| `([a-z-]+)` \|", text, re.MULTILINE):
        found.setdefault(kind, []).append(name)
    return found


RULES: tuple[pod_rules.Rule, ...] = (
    pod_rules.restricted,
    pod_rules.closed,
    pod_rules.limited,
    pod_rules.stored,
    pod_rules.receiving(ServeSettings().connection_limit, MAX_BODY),
    pod_rules.mounted,
    pod_rules.imaged,
    pod_rules.spread,
    pod_rules.answering(routes()),
    pod_rules.patient,
    pod_rules.threaded,
    pod_rules.declared(variables()),
    pod_rules.filed,
    pod_rules.kept,
    pod_rules.writable(WRITTEN),
    object_rules.referring(documented()),
    object_rules.selecting,
    object_rules.aiming,
    object_rules.checked,
    object_rules.routing,
    object_rules.exposing(routes()),
    object_rules.placed,
    object_rules.bounded,
    object_rules.accounted,
    network_rules.denied,
    network_rules.narrow,
    network_rules.connected,
)


def findings(manifests: Sequence[Object]) -> list[str]:
    """What breaks any of the rules."""
    return [finding for rule in RULES for finding in rule(manifests)]

"""The service's parts, made of the settings and put together; whatever speaks HTTP to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts.open import open_alerts
from alerts.sender import AlertSender
from alerts.settings import AlertSettings
from api.accounts.settings import AccountsSettings
from api.audit.settings import AuditSettings
from api.batcher import Batcher
from api.cache import Cache
from api.catalogue import CALL_TIMEOUT, Catalogue
from api.decoding import Decoder
from api.explaining import Turns
from api.holder import Answer, Holder
from api.loading import warm_sizes
from api.metrics import Metrics, StateCollector
from api.monitor import Monitor
from api.refresher import Refresher
from api.selection import Selection
from api.service import Service
from api.settings import DriftSettings, ModelSettings, ServeSettings
from api.source import Source
from api.tracing.settings import TraceSettings
from database.settings import DatabaseSettings
from images import Images
from process.settings import read
from registry.open import open_registry
from registry.settings import RegistrySettings

if TYPE_CHECKING:  # they bring in SQLAlchemy and OpenTelemetry
    from api.accounts.accounts import Accounts
    from api.audit.trail import Trail
    from api.tracing.tracing import Tracing
    from database.database import Database

SHARED = (
    ModelSettings,
    DriftSettings,
    AccountsSettings,
    AuditSettings,
    DatabaseSettings,
    TraceSettings,
    RegistrySettings,
    AlertSettings,
)
FLUSH_WITHIN = 3.0  # seconds for the audit trail, once all is answered
LAST_WORDS = 2.0  # seconds that each background thread has to end, once all is answered


@dataclass(frozen=True)
class Assembly:
    """The parts, and how they are started and stopped.

    Attributes:
        service: what the routes work with.
        refresher: what exchanges the model; it runs once the service is initialised.
        database: what the service shares with others; None if it keeps nothing there.
    """

    service: Service
    refresher: Refresher
    database: "Database | None"

    def start(self) -> None:
        """Start the threads behind the application; after any fork."""
        self.service.alerts.start()
        self.service.batcher.start()
        if self.service.audit:
            self.service.audit.start()
        if self.service.tracing:
            self.service.tracing.start()
        self.service.initialise()

    def stop(self) -> bool:
        """End them, once the last request is answered; whether all of them did in time."""
        ended = [self.service.batcher.stop(LAST_WORDS), self.refresher.stop(LAST_WORDS)]
        if self.service.audit:
            ended.append(self.service.audit.stop(FLUSH_WITHIN))
        if self.service.tracing:
            ended.append(self.service.tracing.stop(LAST_WORDS))
        if self.database:
            self.database.close()
        self.service.alerts.close(LAST_WORDS)
        return all(ended)


def assemble(settings: ServeSettings) -> Assembly:
    """Make the parts; no thread is started yet.

    Raises:
        Failure: a setting cannot be, or a key cannot be used.
    """
    model = read(ModelSettings)
    registry = read(RegistrySettings)
    database = open_shared_database()
    source = open_source(model, registry)
    alerts = open_alerts(read(AlertSettings), "api")
    holder = Holder(settings.threshold)
    selection = Selection(model, warm_sizes(settings.max_batch), alerts)
    refresher = Refresher(source, holder, selection.load, alerts, model.refresh_seconds)
    metrics = Metrics()
    monitor = Monitor(holder, alerts, read(DriftSettings))
    metrics.read_also(monitor)
    answer = monitor.watch(metrics.watch(holder.answer))
    tracing = open_tracing()
    batcher = make_batcher(answer, settings, tracing)
    metrics.read_also(StateCollector(holder, lambda: batcher.waiting, lambda: refresher.failures))
    service = Service(
        holder,
        batcher,
        refresher.initialise,
        alerts,
        settings.request_timeout,
        metrics,
        open_catalogue(registry),
        accounts=open_accounts(database) if database else None,
        audit=open_audit(database, metrics, alerts) if database else None,
        tracing=tracing,
        decoder=make_decoder(tracing),
        explaining=Turns(settings.explanations),
        model_name=model.name,
    )
    return Assembly(service, refresher, database)


def open_source(model: ModelSettings, registry: RegistrySettings) -> Source:
    """Where models come from, as the settings have it."""
    return Source(open_registry(registry), registry.url, Cache(model.cache), model.version)


def open_catalogue(registry: RegistrySettings) -> Catalogue:
    """What lists the registry to callers, who wait for less time than a stage would."""
    timeout = min(registry.timeout, CALL_TIMEOUT)
    return Catalogue(open_registry(registry.model_copy(update={"timeout": timeout})))


def open_shared_database() -> "Database | None":
    """The database, if there is anything to be kept in it: what it takes is slow to import."""
    settings = read(DatabaseSettings)
    if not (read(AccountsSettings).enabled or read(AuditSettings).enabled):
        return None
    from database.database import open_database

    return open_database(settings)


def open_accounts(database: "Database") -> "Accounts | None":
    """Who may ask, if not everybody may."""
    settings = read(AccountsSettings)
    if not settings.enabled:
        return None
    from api.accounts import accounts

    return accounts.open_accounts(settings, database)


def open_audit(database: "Database", metrics: Metrics, alerts: AlertSender) -> "Trail | None":
    """The audit trail, if there is to be one."""
    settings = read(AuditSettings)
    if not settings.enabled:
        return None
    from api.audit.open import open_trail

    trail = open_trail(settings, database, alerts)
    metrics.read_also(trail)
    return trail


def open_tracing() -> "Tracing | None":
    """What makes spans of requests, if there are to be any."""
    if not read(TraceSettings).enabled:
        return None
    from api.tracing.tracing import Tracing

    return Tracing()


def make_batcher(
    predict: Callable[[Sequence[Images]], Sequence[Answer]],
    settings: ServeSettings,
    tracing: "Tracing | None",
) -> Batcher[Images, Answer]:
    """What gathers images for the model."""
    if tracing is None:
        return Batcher(predict, settings.max_batch, settings.max_waiting)
    from api.tracing.parts import TracedBatcher

    return TracedBatcher(tracing, predict, settings.max_batch, settings.max_waiting)


def make_decoder(tracing: "Tracing | None") -> Decoder:
    """What decodes image files."""
    if tracing is None:
        return Decoder()
    from api.tracing.parts import TracedDecoder

    return TracedDecoder(tracing)

"""``python -m api``: serve the model in production over HTTP."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.app import QUICK, create_app
from api.batcher import Batcher
from api.cache import Cache
from api.catalogue import CALL_TIMEOUT, Catalogue
from api.holder import Holder
from api.loading import warm_sizes
from api.metrics import Metrics, StateCollector
from api.monitor import Monitor
from api.refresher import Refresher
from api.selection import Selection
from api.server import Server, listen
from api.service import Service
from api.settings import DriftSettings, ModelSettings, ServeSettings
from api.source import Source
from process.command import run
from process.logs import LogSettings, configure
from process.settings import parse, read
from registry.open import open_registry
from registry.settings import RegistrySettings

logger = logging.getLogger("api")

SHARED = (ModelSettings, DriftSettings, RegistrySettings, AlertSettings, LogSettings)
LAST_WORDS = 2.0  # seconds that each background thread has to end, once all is answered


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, and return 0."""
    settings = parse("api", __doc__ or "", ServeSettings, SHARED, argv)
    model = read(ModelSettings)
    configure(read(LogSettings))
    registry = read(RegistrySettings)
    source = open_source(model, registry)
    alerts = open_alerts(read(AlertSettings), "api")
    holder = Holder(settings.threshold)
    selection = Selection(model, warm_sizes(settings.max_batch), alerts)
    refresher = Refresher(source, holder, selection.load, alerts, model.refresh_seconds)
    metrics = Metrics()
    monitor = Monitor(holder, alerts, read(DriftSettings))
    metrics.read_also(monitor)
    answer = monitor.watch(metrics.watch(holder.answer))
    batcher = Batcher(answer, settings.max_batch, settings.max_waiting)
    metrics.read_also(StateCollector(holder, lambda: batcher.waiting, lambda: refresher.failures))
    service = Service(
        holder,
        batcher,
        refresher.initialise,
        alerts,
        settings.request_timeout,
        metrics,
        open_catalogue(registry),
    )
    serve(settings, service)
    ended = [batcher.stop(LAST_WORDS), refresher.stop(LAST_WORDS)]
    alerts.close(LAST_WORDS)
    if not all(ended):
        # A thread is still inside TensorFlow, whose native code does not survive Python's own
        # way out.
        logging.shutdown()
        os._exit(0)
    return 0


def open_source(model: ModelSettings, registry: RegistrySettings) -> Source:
    """Where models come from, as the settings have it."""
    return Source(open_registry(registry), registry.url, Cache(model.cache), model.version)


def open_catalogue(registry: RegistrySettings) -> Catalogue:
    """What lists the registry to callers, who wait for less time than a stage would."""
    timeout = min(registry.timeout, CALL_TIMEOUT)
    return Catalogue(open_registry(registry.model_copy(update={"timeout": timeout})))


def serve(settings: ServeSettings, service: Service) -> None:
    """Listen at once, load meanwhile, and return when the last request is answered."""
    app = create_app(service)
    if settings.debug:
        start(service)
        app.run(settings.host, settings.port, debug=True, use_reloader=False)
        return
    server = Server(app, listen(settings.host, settings.port), settings, QUICK)
    stop_on_signals(service.holder, server)
    start(service)
    logger.info("listening on %s port %d", settings.host, settings.port)
    server.run()


def start(service: Service) -> None:
    """Start the threads behind the application."""
    service.alerts.start()
    service.batcher.start()
    service.initialise()


def stop_on_signals(holder: Holder, server: Server) -> None:
    """Let the first SIGTERM or SIGINT end the service in order, and the second one at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        if server.draining:
            os._exit(128 + number)  # the default action would be ignored in process 1
        logger.info("stopping on %s", signal.Signals(number).name)
        holder.drain()
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(run("api", main))

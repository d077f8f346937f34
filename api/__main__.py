"""``python -m api``: serve the model in production over HTTP."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from api import access
from api.app import PROBES, QUICK, create_app
from api.assembly import SHARED, Assembly, assemble
from api.descriptors import connections
from api.express import Express
from api.holder import Holder
from api.server import Server, listen
from api.settings import ServeSettings
from process.command import run
from process.logs import LogSettings, configure
from process.settings import parse, read

logger = logging.getLogger("api")

# Seconds, a tenth of Python's own, after which a thread gives its lock to one that waits for it:
# every caller waits for the main loop, while a new model is looked at in another thread.
SWITCH = 0.0005


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, and return 0."""
    settings = parse("api", __doc__ or "", ServeSettings, (*SHARED, LogSettings), argv)
    configure(read(LogSettings))
    assembly = assemble(settings)
    serve(settings, assembly)
    if not assembly.stop():
        # A thread is still inside TensorFlow, whose native code does not survive Python's own
        # way out.
        logging.shutdown()
        os._exit(0)
    return 0


def serve(settings: ServeSettings, assembly: Assembly) -> None:
    """Listen at once, load meanwhile, and return when the last request is answered."""
    service = assembly.service
    app = create_app(service)
    if settings.debug:
        assembly.start()
        app.run(settings.host, settings.port, debug=True, use_reloader=False)
        return
    quick = QUICK if service.accounts is None else PROBES
    settings = settings.model_copy(
        update={"connection_limit": connections(settings.connection_limit)}
    )
    listener = listen(settings.host, settings.port)
    server = Server(Express(app, service), listener, settings, quick, access.counter(app))
    stop_on_signals(service.holder, server)
    sys.setswitchinterval(SWITCH)
    assembly.start()
    logger.info("listening on %s port %d", settings.host, settings.port)
    server.run()


def stop_on_signals(holder: Holder, server: Server) -> None:
    """Let the first SIGTERM or SIGINT end the service in order, and the second one at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        if server.draining:
            os._exit(128 + number)  # the default action would be ignored in process 1
        holder.drain()
        server.stop(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(run("api", main))

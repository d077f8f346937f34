"""The service as a Ray Serve deployment: ``serve run api/ray/serve.yaml``.

Each replica is a whole service with its own model and batches, which follows production by itself
as a pod does; Ray Serve speaks HTTP, shares out the requests, and says how many replicas there are.
The routes are those of the Flask application, and so are their answers.
"""

import time

from ray import serve

from api.app import create_app
from api.assembly import assemble
from api.payloads import MAX_BODY
from api.ray.asgi import Bridge
from api.settings import ServeSettings
from process.logs import LogSettings, configure
from process.settings import read

POLL = 0.05  # seconds


class Classifier:
    """A replica, which takes requests once its model is ready, however long that takes."""

    def __init__(self) -> None:
        settings = read(ServeSettings)
        configure(read(LogSettings))
        self._assembly = assemble(settings)
        self._bridge = Bridge(create_app(self._assembly.service), settings.threads, MAX_BODY)
        self._assembly.start()
        # Ray Serve sends requests to whatever has been made, and other replicas may have a model.
        while self._assembly.service.holder.current is None:
            time.sleep(POLL)

    def __serve_build_asgi_app__(self) -> Bridge:
        """What Ray Serve hands requests to; it asks for it by this name."""
        return self._bridge

    def __del__(self) -> None:
        self._bridge.close()
        self._assembly.stop()


application = serve.deployment(serve.ingress()(Classifier)).bind()

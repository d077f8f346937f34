"""The routes that say how the service is."""

import functools
import platform
import socket
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response

from api import payloads
from api.answers import Limits, Ready, ServiceInfo
from api.decoding import MAX_PIXELS
from api.errors import NotReady
from api.metrics import CONTENT_TYPE
from api.operation import described, documented
from api.service import service

LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "onnxruntime", "numpy", "flask", "waitress")

routes = Blueprint("info", __name__)


@routes.route("/init", methods=["GET", "POST"])
@described()
def init() -> tuple[str, None]:
    """Make sure that loading has begun, and answer at once."""
    service().initialise()
    return "API initialized.", None


@routes.get("/health")
@described()
def health() -> tuple[str, None]:
    """Answer as long as the process can."""
    return "alive", None


@routes.get("/ready")
@described(NotReady)
def ready() -> tuple[str, Ready]:
    """Answer 200 if images are welcome, and 503 with the reason if not."""
    return "ready", Ready(version=service().holder.check_ready().version)


@routes.get("/service-info")
@described()
def service_info() -> tuple[str, ServiceInfo]:
    """Say what this process is, and what it takes."""
    started = service().started
    uptime = datetime.now(UTC) - started
    return "this process serves", ServiceInfo(
        host=socket.gethostname(),
        started=started.isoformat(timespec="seconds"),
        uptime=round(uptime.total_seconds(), 1),
        waiting=service().batcher.waiting,
        limits=Limits(
            body=payloads.MAX_BODY,
            images=payloads.MAX_IMAGES,
            pixels=MAX_PIXELS,
            seconds=service().request_timeout,
        ),
        libraries=libraries(),
    )


@routes.get("/metrics")
@documented("classifier_queue_depth 0.0\n", media_type="text/plain")
def metrics() -> Response:
    """Say what was counted, to Prometheus."""
    return Response(service().metrics.exposition(), content_type=CONTENT_TYPE)


@functools.cache
def libraries() -> dict[str, str]:
    """The versions of what answers are computed and sent with."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # TensorFlow has one of two names
            continue
    return found

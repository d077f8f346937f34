"""The routes that say how the service is, and what it serves."""

import functools
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response, jsonify

from api.metrics import CONTENT_TYPE
from api.service import service

LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "flask", "waitress")

routes = Blueprint("info", __name__)


@routes.route("/init", methods=["GET", "POST"])
def init() -> Response:
    """Make sure that loading has begun, and answer at once."""
    service().initialise()
    return jsonify(message="API initialized.")


@routes.get("/health")
def health() -> Response:
    """Answer as long as the process can."""
    return jsonify(message="alive")


@routes.get("/ready")
def ready() -> Response:
    """Answer 200 if images are welcome, and 503 with the reason if not."""
    return jsonify(message="ready", version=service().holder.check_ready().version)


@routes.get("/info")
def info() -> Response:
    """Say which model serves, and how it came to."""
    holder = service().holder
    model = holder.require()
    return jsonify(
        version=model.version,
        classes=model.labels.classes,
        threshold=model.labels.threshold,
        since=model.since,
        production=asdict(model.record) if model.record else None,
        from_cache=model.from_cache,
        problem=holder.problem,
        device=model.classifier.device,
        libraries=libraries(),
    )


@routes.get("/metrics")
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

"""The routes that say how the service is, and what it serves."""

import functools
import platform
import socket
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response, request

from api import payloads
from api.decoding import MAX_PIXELS
from api.envelope import described
from api.errors import Absent
from api.metrics import CONTENT_TYPE
from api.schemas import (
    Alive,
    Arguments,
    Info,
    Labels,
    Limits,
    Models,
    Performance,
    PerformanceOptions,
    Production,
    Ready,
    ServiceInfo,
)
from api.service import service
from classifier.labels import OTHER
from registry.record import StageRecord

LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "onnxruntime", "numpy", "flask", "waitress")

STARTED = datetime.now(UTC)

routes = Blueprint("info", __name__)


@routes.route("/init", methods=["GET", "POST"])
@described
def init() -> tuple[str, None]:
    """Make sure that loading has begun, and answer at once."""
    service().initialise()
    return "API initialized.", None


@routes.get("/health")
@described
def health() -> tuple[str, None]:
    """Answer as long as the process can."""
    return "alive", None


@routes.get("/ready")
@described
def ready() -> tuple[str, Ready]:
    """Answer 200 if images are welcome, and 503 with the reason if not."""
    return "ready", Ready(version=service().holder.check_ready().version)


@routes.get("/info")
@described
def info() -> tuple[str, Info]:
    """Say which model serves, and how it came to."""
    holder = service().holder
    model = holder.require()
    return f"version {model.version} serves", Info(
        version=model.version,
        classes=list(model.labels.classes),
        threshold=model.labels.threshold,
        since=model.since,
        production=_production(model.record),
        from_cache=model.from_cache,
        problem=holder.problem,
        device=model.classifier.device,
        runtime=model.classifier.runtime,
        precision=model.classifier.precision,
    )

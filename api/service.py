"""What the routes work with, and where they find it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from flask import current_app

from alerts.sender import AlertSender
from api.batcher import Batcher
from api.catalogue import Catalogue
from api.decoding import Decoder
from api.explaining import Turns
from api.holder import Answer, Holder
from api.metrics import Metrics
from api.settings import MODEL_NAME
from images import Images

if TYPE_CHECKING:  # they bring in SQLAlchemy and OpenTelemetry
    from api.accounts.accounts import Accounts
    from api.audit.trail import Trail
    from api.tracing.tracing import Tracing


@dataclass(frozen=True)
class Service:
    """The ready objects behind an application.

    Attributes:
        holder: the model that serves.
        batcher: from an image, uint8[1, 128, 128, 3], to its answer.
        initialise: makes sure that loading has begun, and returns at once.
        alerts: who is told of errors that nobody foresaw.
        request_timeout: seconds that an answer may take.
        metrics: what is counted.
        catalogue: what the registry holds.
        decoder: from image files to pixels.
        started: when.
        accounts: who may ask; None if everybody may.
        audit: what takes note of requests; None if nothing does.
        tracing: what makes their spans; None if nothing does.
        explaining: who may explain now.
        model_name: what the Open Inference Protocol calls the model.
    """

    holder: Holder
    batcher: Batcher[Images, Answer]
    initialise: Callable[[], None]
    alerts: AlertSender
    request_timeout: float
    metrics: Metrics
    catalogue: Catalogue
    decoder: Decoder = field(default_factory=Decoder)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    accounts: "Accounts | None" = None
    audit: "Trail | None" = None
    tracing: "Tracing | None" = None
    explaining: Turns = field(default_factory=Turns)
    model_name: str = MODEL_NAME


def service() -> Service:
    """The objects behind the application that answers the current request."""
    return cast(Service, current_app.extensions["service"])

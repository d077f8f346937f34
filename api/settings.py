"""How the service listens, and which model it serves.

The prefix is ``SERVE_`` because Kubernetes sets variables like ``API_PORT`` in every container
beside a Service that is called ``api``.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from api.payloads import MAX_IMAGES
from classifier.runtime import has_tensorflow
from process.settings import Settings

FOLLOW = "follow"
MODEL_NAME = "classifier"

MaxBatch = Annotated[int, Field(ge=1, description="The most images in one call of the model.")]
Threshold = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        description="Answers with less confidence than this are `other`; if empty, less than the "
        "threshold that training chose for the model.",
    ),
]


def _version(text: str) -> str:
    if text != FOLLOW and not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError(f"{text!r} is neither `{FOLLOW}` nor the 64 hex digits of a version")
    return text


class ServeSettings(Settings):
    """The HTTP side of the service."""

    model_config = SettingsConfigDict(env_prefix="SERVE_")

    host: str = Field(
        "127.0.0.1", description="The address to listen on; `0.0.0.0` for every one of IPv4."
    )
    port: int = Field(8000, ge=1, le=65535, description="The port to listen on.")
    threads: int = Field(
        32,
        ge=1,
        description="How many requests are worked on at once, besides those for `POST /`, which "
        "need no thread.",
    )
    max_batch: MaxBatch = 32
    max_waiting: int = Field(
        256,
        ge=MAX_IMAGES,
        description="The most images that wait for the model; what comes beyond them is answered "
        "503 at once. Waiting takes about this number divided by the images that the model "
        "answers in a second.",
    )
    threshold: Threshold = None
    explanations: int = Field(
        1,
        ge=1,
        description="How many requests with `explain=1` are worked on at once; what comes beyond "
        "them is answered 503 at once.",
    )
    request_timeout: float = Field(
        30,
        gt=0,
        description="Seconds in which a whole request must arrive, and in which it is answered.",
    )
    shutdown_timeout: float = Field(
        20, gt=0, description="Seconds that requests in flight have to finish after SIGTERM."
    )
    connection_limit: int = Field(
        500,
        ge=1,
        description="Open connections; further ones wait until one ends or is idle for a second. "
        "Fewer where `ulimit -n` allows fewer than two files for each.",
    )
    debug: bool = Field(
        False, description="Run under Flask's development server, for work on the service itself."
    )


class DriftSettings(Settings):
    """When live answers are told apart from those on held-out images."""

    model_config = SettingsConfigDict(env_prefix="DRIFT_")

    window: int = Field(
        1000,
        ge=0,
        description="How many answers are compared at once with those on the gate's held-out "
        "images; 0: none.",
    )
    false_alarms: float = Field(
        0.001,
        ge=0.0005,
        le=0.1,
        description="The share of such windows that may raise an alert although nothing drifts.",
    )


class ModelSettings(Settings):
    """Which model is served, and where a copy of it is kept."""

    model_config = SettingsConfigDict(env_prefix="MODEL_")

    name: str = Field(
        MODEL_NAME,
        pattern=r"^[\w.-]+$",
        description="What the Open Inference Protocol calls the model.",
    )
    version: Annotated[str, AfterValidator(_version)] = Field(
        FOLLOW, description="`follow` serves what is in production; a version's SHA-256 pins it."
    )
    cache: Path = Field(
        Path("var/cache"), description="The folder for verified copies of the models served."
    )
    runtime: Literal["auto", "tensorflow", "onnx"] = Field(
        "auto",
        description="What runs the model: `onnx` takes variants of the gate's alone, and `auto` "
        "TensorFlow on a GPU or where no variant can serve.",
    )
    precision: Literal["auto", "float32", "int8"] = Field(
        "auto",
        description="Which variant runs; `auto` takes what is faster on this processor, as "
        "measured at each load.",
    )
    refresh_seconds: float = Field(
        10, gt=0, description="Seconds between two looks at what is in production."
    )

    @model_validator(mode="after")
    def _require_possible(self) -> Self:
        if (self.runtime, self.precision) == ("tensorflow", "int8"):
            raise ValueError(
                "MODEL_RUNTIME=tensorflow has no int8: set MODEL_PRECISION=float32, or "
                "MODEL_RUNTIME=onnx"
            )
        if self.runtime == "tensorflow" and not has_tensorflow():
            raise ValueError(
                "MODEL_RUNTIME=tensorflow, and TensorFlow is not installed here: set "
                "MODEL_RUNTIME=onnx, or take the image classifier-api"
            )
        return self

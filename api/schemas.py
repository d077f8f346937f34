"""What requests and answers are made of, as pydantic models."""

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from api.errors import Fault, Invalid
from api.payloads import MAX_IMAGES


def _from_base64(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise ValueError("this is not base64: encode the bytes of an image file") from None


ImageFile = Annotated[bytes, BeforeValidator(_from_base64)]
"""The bytes of an image file, in base64 (RFC 4648, 4) where they stand in JSON."""


class Asked(BaseModel):
    """The base of what callers send."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Options(Asked):
    """The parameters of a query."""

    @classmethod
    def read(cls, query: Mapping[str, Sequence[str]]) -> Self:
        """The options in a query, from each parameter's values.

        Raises:
            Invalid: there is an unknown parameter, one that is given twice, or a wrong value.
        """
        twice = [Fault(f"query.{name}", "give it once") for name in query if len(query[name]) > 1]
        if twice:
            raise Invalid(*twice)
        try:
            return cls.model_validate({name: value for name, (value,) in query.items()})
        except ValidationError as error:
            raise Invalid(*_faults(error, "query", cls)) from None


class PredictOptions(Options):
    """The parameters of ``POST /predict``."""

    proba: Literal["0", "1"] = Field("0", description="1 for the probabilities of all classes too.")
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The confidence below which an answer is `other`, in place of the service's.",
    )


class PerformanceOptions(Options):
    """The parameters of ``GET /performance``."""

    filter: str | None = Field(
        default=None,
        description="The one figure to give, as `accuracy` or, by the names that lead to it, "
        "`per_class.7.recall`.",
    )


class ImagesDocument(Asked):
    """The JSON body of ``POST /predict``."""

    images: list[ImageFile] = Field(
        min_length=1, max_length=MAX_IMAGES, description="Image files, each in base64."
    )

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The document in a body.

        Raises:
            Invalid: it is no JSON, or another document than this.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise Invalid(*_faults(error, "body", cls)) from None


class Prediction(BaseModel):
    """What the model says of one image."""

    index: int = Field(description="The number of the class.")
    label: str = Field(description="Its name, or `other` if the confidence is too low.")
    confidence: float = Field(description="Its probability, 0 to 1.")
    probabilities: dict[str, float] | None = Field(
        default=None, description="The probability of each class, by name; with `proba=1`."
    )


class Predictions(BaseModel):
    """What one model says of the images of a request."""

    version: str = Field(description="The model that says so: the SHA-256 of its file.")
    threshold: float = Field(description="The confidence below which a label is `other`.")
    predictions: list[Prediction] = Field(description="One for each image, in the order sent.")


class Ready(BaseModel):
    """The model that answers."""

    version: str = Field(description="The SHA-256 of its file.")


class Record(BaseModel):
    """How a version came into a stage of the registry."""

    stage: str
    version: str
    previous: str = Field(description="The version that it replaced; empty for the first.")
    sequence: int = Field(description="How many changes the stage has seen, with this one.")
    operation: str = Field(description="The unique id of the change.")
    action: str = Field(description="`publish`, `promote` or `rollback`.")
    who: str
    when: str = Field(description="ISO 8601, UTC.")
    why: str
    card_sha256: str
    verdict: str = Field(description="The id of the gate's verdict; empty if nobody asked for one.")
    verdict_sha256: str
    forced: bool = Field(description="Whether a person let it in without a passing verdict.")
    signature: str


class Info(BaseModel):
    """The model that serves."""

    version: str = Field(description="The SHA-256 of its file.")
    classes: list[str] = Field(description="Their names, in the order of their indices.")
    threshold: float = Field(description="The confidence below which an answer is `other`.")
    since: str = Field(description="When this process began to serve it: ISO 8601, UTC.")
    production: Record | None = Field(description="How it came there; null if it is pinned.")
    from_cache: bool = Field(description="Whether the registry was away when it was chosen.")
    problem: str = Field(description="What keeps another model from serving; mostly empty.")
    device: str = Field(description="What it runs on, as `CPU` or `GPU:0`.")
    runtime: str = Field(description="What runs it.")
    precision: str = Field(description="What it computes with.")


class Labels(BaseModel):
    """The names of the classes."""

    version: str
    labels: list[str] = Field(description="In the order of their indices.")
    other: str = Field(description="The label of an answer below the threshold.")
    threshold: float


class Performance(BaseModel):
    """The gate's figures on held-out images, with their confidence intervals."""

    version: str
    judged: str = Field(description="When: ISO 8601, UTC.")
    metrics: dict[str, Any]


class Arguments(BaseModel):
    """What training was called with."""

    version: str
    arguments: dict[str, Any]


class Argument(BaseModel):
    """One of the arguments of a training."""

    version: str
    name: str
    value: Any


class Model(BaseModel):
    """A version in the registry."""

    version: str
    stages: list[str] = Field(description="Those that it is in.")


class Models(BaseModel):
    """What is in the registry."""

    asked: str = Field(description="When the registry said so: ISO 8601, UTC.")
    testing: Record | None
    production: Record | None = Field(description="What is in production, and since when.")
    versions: list[Model] = Field(description="Oldest first.")


class Limits(BaseModel):
    """What one request may have."""

    body: int = Field(description="Bytes.")
    images: int
    pixels: int = Field(description="In all image files together.")
    seconds: float = Field(description="In which it must arrive, and is answered.")


class ServiceInfo(BaseModel):
    """The process that answers."""

    host: str
    started: str = Field(description="ISO 8601, UTC.")
    uptime: float = Field(description="Seconds.")
    waiting: int = Field(description="Images that wait for the model.")
    limits: Limits
    libraries: dict[str, str] = Field(description="The versions of what it runs on.")


def _faults(error: ValidationError, where: str, kind: type[BaseModel]) -> list[Fault]:
    details = error.errors(include_url=False, include_input=False)
    return [
        Fault(".".join([where, *map(str, each["loc"])]), _sentence(each, kind)) for each in details
    ]


def _sentence(found: ErrorDetails, kind: type[BaseModel]) -> str:
    """What is to be changed, where pydantic does not say it so that a caller understands."""
    if found["type"] == "extra_forbidden":
        return f"this is not known; there is {' and '.join(kind.model_fields)}"
    if found["type"] == "missing":
        return "this is required"
    return found["msg"].removeprefix("Value error, ")

"""What answers are made of, as pydantic models, each with an example for the documentation."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.payloads import MAX_BODY, MAX_IMAGES
from api.schemas import EXAMPLE
from classifier.explanation import GRID

VERSION = "6828b7087de96c880b0f1527c8726e838b6a76490dbc2523d2f49c847929a835"
WHEN = "2026-11-21T13:34:12+00:00"

Part = Annotated[float, Field(ge=0, le=1)]
Row = Annotated[list[Part], Field(min_length=GRID, max_length=GRID)]

Data = TypeVar("Data", bound=BaseModel)


class Metadata(BaseModel):
    """Which request an answer answers, and when."""

    model_config = ConfigDict(populate_by_name=True)

    message: str = Field(description="A sentence for people.", examples=["ready"])
    method: str = Field(examples=["GET"])
    status_code: int = Field(alias="status-code", examples=[200])
    timestamp: str = Field(description="ISO 8601, UTC.", examples=["2026-11-21T13:53:01.667+00:00"])
    url: str = Field(examples=["http://127.0.0.1:8000/ready"])
    request_id: str = Field(
        alias="request-id",
        description="The caller's X-Request-Id if it is 1 to 64 letters, digits, `.`, `_` or `-`.",
        examples=["2f5a36d0ab7f4a1aa6a07ccbdbbfdb6f"],
    )


class Envelope(Metadata, Generic[Data]):
    """An answer with what was asked for."""

    data: Data


class Place(BaseModel):
    """One thing that is wrong with a request."""

    location: str = Field(description="Where it stands.", examples=["query.threshold"])
    detail: str = Field(
        description="What must be otherwise.",
        examples=["Input should be less than or equal to 1"],
    )


class Problem(Metadata):
    """Why a request is not answered as it asked (RFC 9457)."""

    type: Literal["about:blank"] = Field(description="The status tells the kind of the problem.")
    title: str = Field(description="The status in words.", examples=["Bad Request"])
    status: int = Field(examples=[400])
    detail: str = Field(
        description="What is wrong, in a sentence that says what to change.",
        examples=["query.threshold: Input should be less than or equal to 1"],
    )
    errors: list[Place] = Field(description="Each fault of the request; none if it is ours.")
    error_id: str | None = Field(
        default=None,
        alias="error-id",
        description="Of an unexpected error, which stands beside its cause in the log.",
        examples=["5b8a1ad3a7d94ff1a3a1a4e8b7a2c9d0"],
    )


class Short(BaseModel):
    """The answer of ``POST /``."""

    message: str = Field(description="The index of the class.", examples=["7"])


class Explanation(BaseModel):
    """What in an image speaks for the class that it is answered with."""

    model_config = ConfigDict(populate_by_name=True)

    method: Literal["gradient", "rise"] = Field(
        description="`gradient`: integrated gradients, where TensorFlow runs the model; elsewhere "
        "`rise`: its answers to the image with parts hidden at random.",
        examples=["rise"],
    )
    index: int = Field(
        alias="class", description="The number of the class that is explained.", examples=[7]
    )
    heat: list[Row] = Field(
        min_length=GRID,
        max_length=GRID,
        description="How much each of 16 x 16 parts of the image speaks for the class, row by row: "
        "1 for what does most, 0 for what says nothing or speaks against it.",
        examples=[[[0.0] * 15 + [1.0]] * GRID],
    )
    overlay: str = Field(
        description="The same for people: a PNG file, 128 x 128 pixels, of the image in grey with "
        "the heat in colour, in base64.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/png"},
        examples=[EXAMPLE],
    )


class Prediction(BaseModel):
    """What the model says of one image."""

    index: int = Field(description="The number of the class.", examples=[7])
    label: str = Field(
        description="Its name, or `other` if the confidence is too low.", examples=["7"]
    )
    confidence: float = Field(description="Its probability, 0 to 1.", examples=[0.9998])
    probabilities: dict[str, float] | None = Field(
        default=None,
        description="The probability of each class, by name; with `proba=1`.",
        examples=[{"7": 0.9998, "8": 0.0002}],
    )
    explanation: Explanation | None = Field(
        default=None, description="What in the image speaks for the class; with `explain=1`."
    )


class Predictions(BaseModel):
    """What one model says of the images of a request."""

    version: str = Field(
        description="The model that says so: the SHA-256 of its file.", examples=[VERSION]
    )
    threshold: float = Field(
        description="The confidence below which a label is `other`.", examples=[0.0]
    )
    predictions: list[Prediction] = Field(description="One for each image, in the order sent.")


class Ready(BaseModel):
    """The model that answers."""

    version: str = Field(description="The SHA-256 of its file.", examples=[VERSION])


class Record(BaseModel):
    """How a version came into a stage of the registry."""

    stage: str = Field(examples=["production"])
    version: str = Field(examples=[VERSION])
    previous: str = Field(
        description="The version that it replaced; empty for the first.", examples=[""]
    )
    sequence: int = Field(
        description="How many changes the stage has seen, with this one.", examples=[1]
    )
    operation: str = Field(
        description="The unique id of the change.", examples=["fac83a87ea304ce18bff670bd3685565"]
    )
    action: str = Field(description="`publish`, `promote` or `rollback`.", examples=["promote"])
    who: str = Field(examples=["gate@host"])
    when: str = Field(description="ISO 8601, UTC.", examples=[WHEN])
    why: str = Field(examples=["passed the gate"])
    card_sha256: str = Field(examples=[""])
    verdict: str = Field(
        description="The id of the gate's verdict; empty if nobody asked for one.",
        examples=["20261121T133412387841Z-8767826f"],
    )
    verdict_sha256: str = Field(examples=[""])
    forced: bool = Field(
        description="Whether a person let it in without a passing verdict.", examples=[False]
    )
    signature: str = Field(examples=[""])


class Info(BaseModel):
    """The model that serves."""

    version: str = Field(description="The SHA-256 of its file.", examples=[VERSION])
    classes: list[str] = Field(
        description="Their names, in the order of their indices.", examples=[["cat", "dog"]]
    )
    threshold: float = Field(
        description="The confidence below which an answer is `other`.", examples=[0.0]
    )
    since: str = Field(
        description="When this process began to serve it: ISO 8601, UTC.", examples=[WHEN]
    )
    production: Record | None = Field(description="How it came there; null if it is pinned.")
    from_cache: bool = Field(
        description="Whether the registry was away when it was chosen.", examples=[False]
    )
    problem: str = Field(
        description="What keeps another model from serving; mostly empty.", examples=[""]
    )
    device: str = Field(description="What it runs on, as `CPU` or `GPU:0`.", examples=["CPU"])
    runtime: str = Field(description="What runs it.", examples=["onnx"])
    precision: str = Field(description="What it computes with.", examples=["int8"])


class Labels(BaseModel):
    """The names of the classes."""

    version: str = Field(examples=[VERSION])
    labels: list[str] = Field(
        description="In the order of their indices.", examples=[["cat", "dog"]]
    )
    other: str = Field(
        description="The label of an answer below the threshold.", examples=["other"]
    )
    threshold: float = Field(examples=[0.0])


class Performance(BaseModel):
    """The gate's figures on held-out images, with their confidence intervals."""

    version: str = Field(examples=[VERSION])
    judged: str = Field(description="When: ISO 8601, UTC.", examples=[WHEN])
    metrics: dict[str, Any] = Field(
        examples=[{"accuracy": {"value": 0.9971, "low": 0.984, "high": 0.9995}}]
    )


class Arguments(BaseModel):
    """What training was called with."""

    version: str = Field(examples=[VERSION])
    arguments: dict[str, Any] = Field(examples=[{"epochs": 30, "seed": 0}])


class Argument(BaseModel):
    """One of the arguments of a training."""

    version: str = Field(examples=[VERSION])
    name: str = Field(examples=["epochs"])
    value: Any = Field(examples=[30])


class Model(BaseModel):
    """A version in the registry."""

    version: str = Field(examples=[VERSION])
    stages: list[str] = Field(description="Those that it is in.", examples=[["production"]])


class Models(BaseModel):
    """What is in the registry."""

    asked: str = Field(description="When the registry said so: ISO 8601, UTC.", examples=[WHEN])
    testing: Record | None = Field(description="What is in testing.")
    production: Record | None = Field(description="What is in production, and since when.")
    versions: list[Model] = Field(description="Oldest first.")


class Limits(BaseModel):
    """What one request may have."""

    body: int = Field(description="Bytes.", examples=[MAX_BODY])
    images: int = Field(examples=[MAX_IMAGES])
    pixels: int = Field(description="In all image files together.", examples=[2**24])
    seconds: float = Field(description="In which it must arrive, and is answered.", examples=[30.0])


class ServiceInfo(BaseModel):
    """The process that answers."""

    host: str = Field(examples=["classifier-0"])
    started: str = Field(description="ISO 8601, UTC.", examples=[WHEN])
    uptime: float = Field(description="Seconds.", examples=[12.3])
    waiting: int = Field(description="Images that wait for the model.", examples=[0])
    limits: Limits
    libraries: dict[str, str] = Field(
        description="The versions of what it runs on.", examples=[{"flask": "3.1.3"}]
    )

"""The JSON of the protocol, as pydantic models: what is asked, and what is answered."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    StrictBool,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from api.answers import VERSION
from api.inference.values import to_bytes
from api.payloads import MAX_IMAGES
from api.schemas import WHOLE, Asked, Document, Whole
from images.raw import HEIGHT, WIDTH

INPUT = "images"
INPUT_SHAPE = (-1, HEIGHT, WIDTH, 3)
INPUT_TYPE = "UINT8"


Output = Literal["index", "label", "confidence", "probabilities"]
OUTPUTS: tuple[Output, ...] = ("index", "label", "confidence", "probabilities")


class RequestParameters(Asked):
    """What holds for a whole request."""

    binary_data_output: StrictBool = Field(
        default=False,
        description="Whether outputs that do not say so themselves are given as binary data.",
        examples=[True],
    )
    threshold: Annotated[float, Field(strict=True, ge=0, le=1)] | None = Field(
        default=None,
        description="The confidence below which a label is `other`, in place of the service's.",
        examples=[0.7],
    )
    priority: Whole = Field(
        default=0,
        description="Taken and ignored: images are answered in their order.",
        examples=[0],
    )
    timeout: Whole | None = Field(
        default=None,
        description="Taken and ignored: the service has a time of its own.",
        examples=[10**6],
    )


class InputParameters(Asked):
    """What holds for an input."""

    binary_data_size: Annotated[int, Field(ge=0), WHOLE] | None = Field(
        default=None,
        description="How many bytes the tensor has behind the JSON; then there is no `data`.",
        examples=[49152],
    )


class InferInput(Asked):
    """The images."""

    name: Literal["images"]
    shape: tuple[
        Annotated[int, Field(ge=1, le=MAX_IMAGES), WHOLE],
        Literal[128],
        Literal[128],
        Literal[3],
    ] = Field(
        description="How many images; height, width, and red, green and blue.",
        examples=[[1, 128, 128, 3]],
    )
    datatype: Literal["UINT8"]
    parameters: InputParameters = InputParameters()
    data: Annotated[bytes, WithJsonSchema({"type": "array", "items": {}})] | None = Field(
        default=None,
        description="The values, 0 to 255, row by row: in one list, or nested as `shape` says.",
        examples=[[0, 0, 0, 255, 255, 255]],
    )

    @field_validator("data", mode="before")
    @classmethod
    def _to_bytes(cls, values: object, so_far: ValidationInfo) -> object:
        # Without a shape the request is refused in any case.
        return to_bytes(values, so_far.data["shape"]) if "shape" in so_far.data else b""


class OutputParameters(Asked):
    """How an output is to be given."""

    binary_data: StrictBool | None = Field(
        default=None, description="Whether as binary data, behind the JSON.", examples=[True]
    )
    classification: Annotated[int, Field(ge=1), WHOLE] | None = Field(
        default=None,
        description="Of `probabilities`: as so many of the likeliest classes, each as text of "
        "probability, index and name.",
        examples=[3],
    )


class RequestedOutput(Asked):
    """An output that is asked for."""

    name: Output = Field(examples=["label"])
    parameters: OutputParameters = OutputParameters()

    @model_validator(mode="after")
    def _require_scores(self) -> Self:
        if self.parameters.classification is not None and self.name != "probabilities":
            raise ValueError("classification is for probabilities alone")
        return self


class InferRequest(Document):
    """An inference request."""

    id: str | None = Field(default=None, description="Given back in the answer.", examples=["42"])
    parameters: RequestParameters = RequestParameters()
    inputs: Annotated[list[InferInput], Field(min_length=1, max_length=1)]
    outputs: list[RequestedOutput] = Field(
        default=[],
        max_length=len(OUTPUTS),
        description="Which outputs to give, each once; all of them, if there is none.",
    )

    @field_validator("outputs")
    @classmethod
    def _require_each_once(cls, outputs: Sequence[RequestedOutput]) -> Sequence[RequestedOutput]:
        if len({output.name for output in outputs}) < len(outputs):
            raise ValueError("ask for each output once")
        return outputs


class TensorParameters(BaseModel):
    """What holds for an output that was given."""

    binary_data_size: int = Field(
        description="How many bytes it has behind the JSON.", examples=[4]
    )


class InferOutput(BaseModel):
    """An output."""

    name: str = Field(examples=["label"])
    datatype: str = Field(examples=["BYTES"])
    shape: list[int] = Field(examples=[[1]])
    parameters: TensorParameters | None = None
    data: list[Any] | None = Field(
        default=None, description="Its values in one list, row by row.", examples=[["7"]]
    )


class InferAnswer(BaseModel):
    """The answer to an inference request."""

    model_name: str = Field(examples=["classifier"])
    model_version: str = Field(description="The SHA-256 of its file.", examples=[VERSION])
    id: str | None = Field(
        default=None, description="That of the request, if it has one.", examples=["42"]
    )
    outputs: list[InferOutput]


class ServerLive(BaseModel):
    """Whether the server can answer."""

    live: bool = Field(examples=[True])


class ServerReady(BaseModel):
    """Whether images are welcome."""

    ready: bool = Field(examples=[True])


class ModelReady(ServerReady):
    """Whether images for the model are welcome."""

    name: str = Field(examples=["classifier"])


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str = Field(examples=["image-classifier"])
    version: str = Field(description="Of this interface.", examples=["1"])
    extensions: list[str] = Field(examples=[["binary_tensor_data", "classification"]])


class TensorMetadata(BaseModel):
    """An input or an output of the model."""

    name: str = Field(examples=[INPUT])
    datatype: str = Field(examples=[INPUT_TYPE])
    shape: list[int] = Field(
        description="-1 stands for the number of images.", examples=[list(INPUT_SHAPE)]
    )


class ModelMetadata(BaseModel):
    """What the model takes and gives."""

    name: str = Field(examples=["classifier"])
    versions: list[str] = Field(description="The one that serves.", examples=[[VERSION]])
    platform: str = Field(description="What runs it.", examples=["onnxruntime_onnx"])
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class InferenceError(BaseModel):
    """Why a request is not answered as it asked."""

    error: str = Field(
        description="What is wrong, in a sentence that says what to change.",
        examples=["there is no model digits; there is classifier"],
    )

"""What requests and answers are made of, as pydantic models."""

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

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


class PredictOptions(Asked):
    """The parameters of ``POST /predict``."""

    proba: Literal["0", "1"] = Field("0", description="1 for the probabilities of all classes too.")
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="The confidence below which an answer is `other`, in place of the service's.",
    )

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
        None, description="The probability of each class, by name; with `proba=1`."
    )


class Predictions(BaseModel):
    """What one model says of the images of a request."""

    version: str = Field(description="The model that says so: the SHA-256 of its file.")
    threshold: float = Field(description="The confidence below which a label is `other`.")
    predictions: list[Prediction] = Field(description="One for each image, in the order sent.")


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

"""What requests are made of besides raw bytes, as pydantic models."""

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
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


ImageFile = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    WithJsonSchema({"type": "string", "format": "byte", "contentEncoding": "base64"}),
]
"""The bytes of an image file, in base64 (RFC 4648, 4) where they stand in JSON."""


# A PNG file of one grey pixel.
EXAMPLE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
)


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

    proba: Literal["0", "1"] = Field(
        default="0", description="1 for the probabilities of all classes too.", examples=["1"]
    )
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The confidence below which an answer is `other`, in place of the service's.",
        examples=[0.7],
    )


class PerformanceOptions(Options):
    """The parameters of ``GET /performance``."""

    filter: str | None = Field(
        default=None,
        description="The one figure to give, as `accuracy` or, by the names that lead to it, "
        "`per_class.7.recall`.",
        examples=["accuracy"],
    )


class ImagesDocument(Asked):
    """The JSON body of ``POST /predict``."""

    images: list[ImageFile] = Field(
        min_length=1,
        max_length=MAX_IMAGES,
        description="Image files, each in base64.",
        examples=[[EXAMPLE]],
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

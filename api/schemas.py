"""What requests are made of besides raw bytes, as pydantic models."""

import base64
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
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


def _require_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Input should be a valid integer")
    return value


# Bounds stand before it, or else they are missing in the description.
WHOLE = BeforeValidator(_require_number)

Whole = Annotated[int, WHOLE]
"""A whole number as JSON has it: 1.0 is one, and neither "1" nor true is."""


# A PNG file of one grey pixel.
EXAMPLE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
)


# What is parsed takes up to 25 times the bytes of its JSON. One body at a time costs no speed, as
# Python parses one at a time anyway.
PARSING = threading.Lock()

MOST_UNKNOWN = 10  # fields that are named one by one


class Asked(BaseModel):
    """The base of what callers send."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _require_few(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + MOST_UNKNOWN:
            raise ValueError(f"this has {len(value):,} fields; there is {_fields(cls)}")
        return value

    @classmethod
    def of(cls, value: object, where: str) -> Self:
        """What callers sent, checked.

        Args:
            value: what JSON holds, or the like.
            where: the part of the request that it stands in.

        Raises:
            Invalid: it is something else than this.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise Invalid(*_faults(error, where, cls)) from None


class Document(Asked):
    """The base of bodies in JSON."""

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The document in a body.

        Raises:
            Invalid: it is no JSON, or another document than this.
        """
        with PARSING:
            return cls.of(_parsed(body), "body")


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
        return cls.of({name: value for name, (value,) in query.items()}, "query")


class PredictOptions(Options):
    """The parameters of ``POST /predict``."""

    proba: Literal["0", "1"] = Field(
        default="0", description="1 for the probabilities of all classes too.", examples=["1"]
    )
    explain: Literal["0", "1"] = Field(
        default="0",
        description="1 for what in the image speaks for the class too; for few images.",
        examples=["1"],
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


class ImagesDocument(Document):
    """The JSON body of ``POST /predict``."""

    images: list[ImageFile] = Field(
        min_length=1,
        max_length=MAX_IMAGES,
        description="Image files, each in base64.",
        examples=[[EXAMPLE]],
    )


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError:
        raise Invalid(Fault("body", "this JSON is nested too deeply")) from None
    except ValueError as error:
        raise Invalid(Fault("body", f"Invalid JSON: {error}")) from None


def _fields(kind: type[BaseModel]) -> str:
    return " and ".join(kind.model_fields)


def _faults(error: ValidationError, where: str, kind: type[BaseModel]) -> list[Fault]:
    details = error.errors(include_url=False, include_input=False)
    return [
        Fault(".".join([where, *map(str, each["loc"])]), _sentence(each, kind)) for each in details
    ]


def _sentence(found: ErrorDetails, kind: type[BaseModel]) -> str:
    """What is to be changed, where pydantic does not say it so that a caller understands."""
    if found["type"] == "extra_forbidden":
        nested = len(found["loc"]) > 1
        return "this is not known" if nested else f"this is not known; there is {_fields(kind)}"
    if found["type"] == "model_type":
        return "Input should be an object"
    if found["type"] == "missing":
        return "this is required"
    return found["msg"].removeprefix("Value error, ")

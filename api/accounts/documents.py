"""What requests about accounts hold, and what they are answered with."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from pydantic.json_schema import SkipJsonSchema

from api.accounts.passwords import LONGEST, SHORTEST
from api.answers import WHEN
from api.schemas import Document

ROLES = Literal["caller", "operator"]

NAME = r"^[a-z0-9][a-z0-9._@-]{0,63}$"

Name = Annotated[
    str,
    Field(
        pattern=NAME,
        description="1 to 64 small letters, digits, `.`, `_`, `@` and `-`.",
        examples=["anna"],
    ),
]


class Registration(Document):
    """The body of ``POST /register-user``."""

    name: Name
    password: str = Field(
        min_length=SHORTEST,
        max_length=LONGEST,
        description="Any characters; a few words that do not belong together are a good one.",
        examples=["correct horse battery staple"],
    )


class Login(Document):
    """The body of ``POST /token``."""

    name: Name
    password: str = Field(
        min_length=1, max_length=LONGEST, examples=["correct horse battery staple"]
    )


class Change(Document):
    """The body of ``PATCH /users/<name>``: what is to be otherwise."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    role: ROLES | SkipJsonSchema[None] = Field(
        default=None, description="What the user may do.", examples=["operator"]
    )
    disabled: StrictBool | SkipJsonSchema[None] = Field(
        default=None, description="Whether nothing is answered any more.", examples=[True]
    )

    @model_validator(mode="after")
    def _require_some(self) -> Self:
        values = self.model_dump(exclude_unset=True).values()
        if not values or None in values:
            raise ValueError("say what is to change: role, disabled or both")
        return self


class Person(BaseModel):
    """A user, as operators and the user see it."""

    name: str = Field(examples=["anna"])
    role: ROLES = Field(description="Operators may do what callers may.", examples=["caller"])
    disabled: bool = Field(description="Whether nothing is answered any more.", examples=[False])
    created: str = Field(description="ISO 8601, UTC.", examples=[WHEN])


class People(BaseModel):
    """Every user."""

    users: list[Person] = Field(description="By name.")


class TokenAnswer(BaseModel):
    """What to ask with (RFC 6749, 5.1)."""

    access_token: str = Field(
        description="For the header `Authorization: Bearer <access_token>`.",
        examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.signature"],
    )
    token_type: Literal["Bearer"] = Field(description="How it is to be sent.")
    expires_in: int = Field(description="Seconds for which it is good.", examples=[3600])

"""What is asked of the audit trail, and what it answers, as pydantic models."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from api.answers import VERSION
from api.audit.ratings import LEVEL
from api.payloads import MAX_IMAGES
from api.schemas import Document, Options, Whole

OWN = "01a1febf9a1778d6ab2e28e6cdedd132"
THEIRS = "2f5a36d0ab7f4a1aa6a07ccbdbbfdb6f"
SHA256 = "9a3c4f0bd0c5a3dfb5c1f38c8a1d0e5fc1b0e6a2f6f9a9c7b6a7b1c8d2e3f405"
MOST = 100  # requests in an answer


def _moment(text: object) -> object:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else text
    except ValueError:
        raise ValueError("this is no time, as 2026-11-21T13:30:00Z is one") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


class RequestsOptions(Options):
    """The parameters of ``GET /requests``."""

    since: Moment | None = Field(
        default=None,
        description="The earliest time, ISO 8601 with a zone; `+` is `%2B` in a URL.",
        examples=["2026-11-21T13:00:00Z"],
    )
    until: Moment | None = Field(
        default=None,
        description="The time before which they were answered, likewise.",
        examples=["2026-11-21T14:00:00Z"],
    )
    before: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{32}$",
        description="The `next` of the page before this one.",
        examples=[OWN],
    )
    limit: int = Field(
        default=20, ge=1, le=MOST, description="The most requests in the answer.", examples=[20]
    )


class FeedbackDocument(Document):
    """The JSON body of ``POST /feedback``."""

    request_id: str = Field(
        alias="request-id",
        pattern="^[A-Za-z0-9_.-]{1,64}$",
        description="The `request-id` of an answer: its header X-Request-Id.",
        examples=[THEIRS],
    )
    label: str = Field(
        description="The name of the class that is right; `/labels` has them.", examples=["7"]
    )
    position: Whole = Field(
        default=0,
        ge=0,
        lt=MAX_IMAGES,
        description="Which image of the request, from 0.",
        examples=[0],
    )


class FeedbackNoted(BaseModel):
    """What was taken down."""

    model_config = ConfigDict(populate_by_name=True)

    request_id: str = Field(alias="request-id", examples=[THEIRS])
    position: int = Field(examples=[0])
    label: str = Field(examples=["7"])


class AuditedAnswer(BaseModel):
    """What was said of one image."""

    sha256: str = Field(description="Of the decoded pixels.", examples=[SHA256])
    version: str = Field(description="The model that said so.", examples=[VERSION])
    index: int = Field(description="The number of the likeliest class.", examples=[7])
    name: str = Field(description="Its name.", examples=["7"])
    label: str = Field(description="What was answered: the name, or `other`.", examples=["7"])
    confidence: float = Field(examples=[0.9998])
    feedback: str | None = Field(
        description="The class that is said to be right; null if nobody has.", examples=["7"]
    )


class AuditedRequest(BaseModel):
    """A request, and what was answered."""

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(description="Of the request alone.", examples=[OWN])
    request_id: str = Field(
        alias="request-id",
        description="Which its caller may have given to several requests.",
        examples=[THEIRS],
    )
    at: str = Field(
        description="When it was answered: ISO 8601, UTC.",
        examples=["2026-11-21T13:53:01.667+00:00"],
    )
    user: str | None = Field(description="Who asked; null without accounts.", examples=["anna"])
    method: str = Field(examples=["POST"])
    path: str = Field(examples=["/predict"])
    status: int = Field(examples=[200])
    milliseconds: float = Field(examples=[3.1])
    answers: list[AuditedAnswer] = Field(description="One for each image, in the order sent.")


class AuditedRequests(BaseModel):
    """A page of the audit trail."""

    requests: list[AuditedRequest] = Field(description="The latest first.")
    next: str | None = Field(
        description="What to give as `before` for the next page; null at the end.", examples=[OWN]
    )


class VersionFeedback(BaseModel):
    """What callers say of the answers of one version."""

    version: str = Field(examples=[VERSION])
    images: int = Field(description="Of how many the true class was told.", examples=[120])
    right: int = Field(description="How many were answered with that class.", examples=[114])
    accuracy: float = Field(description="The part of them.", examples=[0.95])
    low: float = Field(description="The lower end of its interval.", examples=[0.8952])
    high: float = Field(description="The upper end.", examples=[0.9769])


class LiveAccuracy(BaseModel):
    """What callers say of the answers, of the latest 10,000 images that they told of."""

    level: float = Field(
        description="The two-sided confidence level of the intervals.", examples=[LEVEL]
    )
    versions: list[VersionFeedback] = Field(description="Those of which somebody has said so.")

"""Lists of what is in the audit trail."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # who has no audit trail need not load SQLAlchemy
    from database.models import Request, Response


@dataclass(frozen=True)
class Criteria:
    """Which requests to list.

    Attributes:
        user_id: whose; None for everybody's.
        since: from when on; None from the first.
        until: until before when; None to the last.
        before: our id of the request before which to go on; empty to begin.
        limit: the most of them.
    """

    user_id: int | None
    since: datetime | None
    until: datetime | None
    before: str
    limit: int


@dataclass(frozen=True)
class Listed:
    """A request in a list.

    Attributes:
        request: its row.
        user: the name of who asked; None where nobody had to say.
        responses: the rows of its images, in order.
        labels: what is said to be right, by position.
    """

    request: "Request"
    user: str | None
    responses: "list[Response]"
    labels: dict[int, str]

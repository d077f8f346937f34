"""Why a request about the audit trail is refused.

Refusal
├── NotPublic   403  without accounts, nobody may read what everybody asked
└── TrailAway   503  the database cannot be asked
"""

from http import HTTPStatus

from api.errors import RETRY_SOON, Refusal


class NotPublic(Refusal):
    """Nobody can say who asks, and not everybody may know."""

    status = HTTPStatus.FORBIDDEN
    location = "path"


class TrailAway(Refusal):
    """The trail cannot be asked now, or does not have yet what the request is about."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = RETRY_SOON

"""The routes of the audit trail; all of them answer 404 where there is none."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import Blueprint, g, request

from api import payloads
from api.audit.errors import NotPublic, TrailAway
from api.audit.listing import Criteria, Listed
from api.audit.ratings import LEVEL
from api.audit.schemas import (
    AuditedAnswer,
    AuditedRequest,
    AuditedRequests,
    FeedbackDocument,
    FeedbackNoted,
    LiveAccuracy,
    RequestsOptions,
    VersionFeedback,
)
from api.errors import Absent, Invalid, NotReady, TooLarge, WrongType
from api.operation import JSON, described
from api.service import service
from database.errors import DatabaseAway, DatabaseError

if TYPE_CHECKING:  # who has no audit trail need not load SQLAlchemy
    from api.audit.trail import Trail
    from database.models import Response

WRITTEN_WITHIN = 5.0  # seconds; longer waits would take the threads from those who ask
MAX_BODY = 64 * 1024  # bytes, as the name of a class may be long

routes = Blueprint("audit", __name__)


@routes.get("/requests")
@described(Invalid, Absent, NotPublic, TrailAway)
def requests(options: RequestsOptions) -> tuple[str, AuditedRequests]:
    """List the latest requests and their answers: one's own, and for operators everybody's."""
    trail = _trail()
    if not (trail.public or g.get("account")):
        raise NotPublic(
            "what everybody asked is for nobody in particular to read: switch accounts on "
            "(ACCOUNTS_ENABLED=true), or let everybody read it (AUDIT_PUBLIC=true)"
        )
    criteria = Criteria(
        user_id=_owner(),
        since=options.since,
        until=options.until,
        before=options.before or "",
        limit=options.limit + 1,  # to see whether there are more
    )
    with _reached(trail):
        found = trail.store.listed(criteria)
    shown = found[: options.limit]
    return "the latest requests first", AuditedRequests(
        requests=[_audited(each) for each in shown],
        next=shown[-1].request.id if len(found) > len(shown) else None,
    )


@routes.post("/feedback")
@described(
    Invalid, Absent, TooLarge, WrongType, NotReady, TrailAway, bodies={JSON: FeedbackDocument}
)
def give_feedback() -> tuple[str, FeedbackNoted]:
    """Say what class would have been right for an image of an earlier request of one's own."""
    trail = _trail()
    payloads.check_coding(request.headers.get("Content-Encoding", ""))
    if request.mimetype != JSON:
        raise WrongType(f"Content-Type is {request.mimetype or 'missing'}, and must be {JSON}")
    request.max_content_length = MAX_BODY
    given = FeedbackDocument.read(request.get_data(cache=False))
    classes = service().holder.require().labels.classes
    if given.label not in classes:
        raise Absent(f"no class is called so; there is {', '.join(classes)}", "body.label")
    with _reached(trail):
        _note(trail, given)
    return "noted", FeedbackNoted.model_validate(given.model_dump())


@routes.get("/feedback")
@described(Absent, TrailAway)
def live_accuracy() -> tuple[str, LiveAccuracy]:
    """Give the accuracy of each version on the images that callers told the true class of."""
    trail = _trail()
    with _reached(trail):
        ratings = trail.store.ratings()
    return "of what callers chose to tell, which is no random sample", LiveAccuracy(
        level=LEVEL,
        versions=[
            VersionFeedback(
                version=each.version, images=each.images, right=each.right, **each.figures
            )
            for each in ratings
        ],
    )


def _trail() -> "Trail":
    trail = service().audit
    if trail is None:
        raise Absent("there is no audit trail: AUDIT_ENABLED=true begins one")
    return trail


def _owner() -> int | None:
    """Whose requests the caller may know of; None for everybody's."""
    account = g.get("account")
    return None if account is None or account.role == "operator" else account.id


def _note(trail: "Trail", given: FeedbackDocument) -> None:
    """Note feedback on the latest request of that id.

    Raises:
        Absent: there is none that the caller may know of, or it had fewer images.
        DatabaseAway: the request may wait to be written still.
    """
    if not trail.flush(min(WRITTEN_WITHIN, service().request_timeout)):
        raise DatabaseAway("the request that feedback is on may not be written yet")
    found = trail.store.find(given.request_id, _owner())
    if found is None:
        raise Absent(_unknown(given), "body.request-id")
    if given.position >= found.images:
        raise Absent(f"the request has images 0 to {found.images - 1} only", "body.position")
    account = g.get("account")
    if not trail.store.rate(found.id, given.position, given.label, account and account.id):
        raise Absent(_unknown(given), "body.request-id")


def _unknown(given: FeedbackDocument) -> str:
    return (
        f"no request {given.request_id} with images is in the audit trail, or it is another "
        "user's; what another replica has just answered is there in some seconds"
    )


@contextmanager
def _reached(trail: "Trail") -> Iterator[None]:
    try:
        with trail.breaker.trying():
            yield
    except DatabaseError:
        raise TrailAway("the database cannot be asked now: try again") from None


def _audited(found: Listed) -> AuditedRequest:
    row = found.request
    return AuditedRequest.model_validate(
        {
            "id": row.id,
            "request_id": row.request_id,
            "at": row.at.isoformat(timespec="milliseconds"),
            "user": found.user,
            "method": row.method,
            "path": row.path,
            "status": row.status,
            "milliseconds": row.milliseconds,
            "answers": [_answer(each, found.labels) for each in found.responses],
        }
    )


def _answer(row: "Response", labels: Mapping[int, str]) -> AuditedAnswer:
    return AuditedAnswer(
        sha256=row.image_sha256,
        version=row.version,
        index=row.index,
        name=row.name,
        label=row.label,
        confidence=row.confidence,
        feedback=labels.get(row.position),
    )

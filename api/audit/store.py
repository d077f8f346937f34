"""The audit trail in the database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Subquery, case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from api.audit.entry import Entry, first_id
from api.audit.listing import Criteria, Listed
from api.audit.ratings import Rating
from database.database import Database
from database.models import Base, Feedback, Image, Request, Response, User
from images import Images

Rows = list[dict[str, Any]]
Part = TypeVar("Part", Response, Feedback)

LATEST = 10_000  # images with feedback, which show an accuracy to within 1 %


@dataclass(frozen=True)
class Found:
    """A request that feedback is about.

    Attributes:
        id: ours.
        images: how many it had.
    """

    id: str
    images: int


@dataclass(frozen=True)
class Sent:
    """An image that was answered.

    Attributes:
        at: when.
        user_id: who sent it; None where nobody has to say.
        pixels: uint8[128, 128, 3].
    """

    at: datetime
    user_id: int | None
    pixels: Images


class Store:
    """Writes and reads the trail; each call is one transaction, for any thread.

    All of them raise DatabaseAway or WrongSchema where the database cannot be used.

    Args:
        database: where.
        encode: from pixels, uint8[128, 128, 3], to a PNG file.
        quota: the most images that are kept of one user; services that write at once may keep some
            more.
    """

    def __init__(self, database: Database, encode: Callable[[Images], bytes], quota: int) -> None:
        self._database = database
        self._encode = encode
        self._quota = quota

    def write(self, entries: Sequence[Entry]) -> int:
        """Add entries; those that are there already stay as they are.

        So a writer that heard nothing of its commit may simply write again.

        Returns:
            How many images were left out, as who sent them has as many as may be kept.
        """
        sent = _sent(entries)
        images = self._images(sent)
        with self._database.session() as session:
            _add(session, Request, [_request(entry) for entry in entries])
            _add(session, Response, [row for entry in entries for row in _responses(entry)])
            _keep(session, images)
        return len(sent) - len(images)

    def forget(self, before: datetime, most: int) -> bool:
        """Delete requests of earlier, and images that nobody has sent since.

        Returns:
            Whether there may be more than ``most`` of either.
        """
        old = select(Request.id).where(Request.id < first_id(before)).order_by(Request.id)
        unused = select(Image.sha256).where(Image.at < before).order_by(Image.at)
        with self._database.session() as session:
            return any(
                [
                    _delete(session, old.limit(most), Request.id) == most,
                    _delete(session, unused.limit(most), Image.sha256) == most,
                ]
            )

    def listed(self, which: Criteria) -> list[Listed]:
        """Requests with their answers, the latest first."""
        query = select(Request, User.name).outerjoin(User, Request.user_id == User.id)
        query = query.where(*_conditions(which)).order_by(Request.id.desc()).limit(which.limit)
        with self._database.session() as session:
            session.expire_on_commit = False
            found = session.execute(query).all()
            ids = [request.id for request, _ in found]
            responses = _by_request(session.scalars(_of(Response, ids)))
            feedback = _by_request(session.scalars(_of(Feedback, ids)))
        return [
            Listed(
                request=request,
                user=user,
                responses=responses.get(request.id, []),
                labels={each.position: each.label for each in feedback.get(request.id, [])},
            )
            for request, user in found
        ]

    def find(self, request_id: str, user_id: int | None) -> Found | None:
        """The latest request with images that a caller knows by that id.

        Args:
            request_id: the caller's name for it.
            user_id: whose request it must be; None for anybody's.
        """
        query = select(Request.id, Request.images).where(
            Request.request_id == request_id, Request.images > 0
        )
        if user_id is not None:
            query = query.where(Request.user_id == user_id)
        with self._database.session() as session:
            found = session.execute(query.order_by(Request.id.desc()).limit(1)).first()
            return Found(found.id, found.images) if found else None

    def rate(self, own_id: str, position: int, label: str, user_id: int | None) -> bool:
        """Note the true class of an image, in place of what was said of it before.

        Returns:
            Whether the image is still there.
        """
        row = {
            "request_id": own_id,
            "position": position,
            "label": _storable(label),
            "user_id": user_id,
            "at": datetime.now(UTC),
        }
        try:
            with self._database.session() as session:
                insert = _insert(session, Feedback)
                new = {name: insert.excluded[name] for name in ("label", "user_id", "at")}
                session.execute(
                    insert.on_conflict_do_update(
                        index_elements=["request_id", "position"], set_=new
                    ),
                    row,
                )
        except IntegrityError:  # its request was deleted meanwhile
            return False
        return True

    def ratings(self) -> list[Rating]:
        """How many answers of each version are said to be right, of the :data:`LATEST`."""
        told = _latest()
        query = select(told.c.version, func.count(), func.sum(told.c.right))
        query = query.group_by(told.c.version).order_by(told.c.version)
        with self._database.session() as session:
            return [Rating(*row) for row in session.execute(query)]

    def _images(self, sent: Mapping[str, Sent]) -> Rows:
        """The rows of the images that are to be kept."""
        # In one order everywhere, so that no two services wait for each other.
        return [
            {
                "sha256": sha256,
                "png": self._encode(sent[sha256].pixels),
                "at": sent[sha256].at,
                "user_id": sent[sha256].user_id,
            }
            for sha256 in sorted(self._within_quota(sent))
        ]

    def _within_quota(self, sent: Mapping[str, Sent]) -> set[str]:
        """The images that are there already, and as many others as their users may have."""
        if not sent:
            return set()
        with self._database.session() as session:
            kept = set(session.scalars(select(Image.sha256).where(Image.sha256.in_(sent))))
            users = {each.user_id for each in sent.values()}
            room = {user: self._quota - _count(session, user, self._quota) for user in users}
        for sha256, each in sent.items():
            if sha256 not in kept and room[each.user_id] > 0:
                kept.add(sha256)
                room[each.user_id] -= 1
        return kept


def _sent(entries: Iterable[Entry]) -> dict[str, Sent]:
    """The images that came with their pixels, each once, by their hashes."""
    return {
        each.sha256: Sent(entry.at, entry.user_id, each.pixels)
        for entry in entries
        for each in entry.answers
        if each.pixels is not None
    }


def _count(session: Session, user_id: int | None, most: int) -> int:
    """How many images are kept of a user, if there are not more than so many."""
    some = select(Image.sha256).where(Image.user_id == user_id).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _request(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "request_id": entry.request_id,
        "at": entry.at,
        "user_id": entry.user_id,
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "milliseconds": entry.milliseconds,
        "images": len(entry.answers),
    }


def _responses(entry: Entry) -> Rows:
    return [
        {
            "request_id": entry.id,
            "position": position,
            "image_sha256": each.sha256,
            "version": each.version,
            "index": each.index,
            "name": _storable(each.name),
            "label": _storable(each.label),
            "confidence": each.confidence,
        }
        for position, each in enumerate(entry.answers)
    ]


def _storable(name: str) -> str:
    """A class's name as databases can hold it: JSON can name one by half of a character."""
    return name.encode(errors="replace").decode().replace("\0", "?")


def _insert(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what is to happen where the row is there already."""
    dialect = session.get_bind().dialect.name
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _add(session: Session, table: type[Base], rows: Rows) -> None:
    if rows:
        session.execute(_insert(session, table).on_conflict_do_nothing(), rows)


def _keep(session: Session, rows: Rows) -> None:
    if not rows:
        return
    insert = _insert(session, Image)
    later = insert.excluded.at > Image.at
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["sha256"], set_={"at": insert.excluded.at}, where=later
        ),
        rows,
    )


def _delete(session: Session, which: Select[str], key: InstrumentedAttribute[str]) -> int:
    """Delete the rows of these keys, but for those that another service is deleting."""
    chosen = which.with_for_update(skip_locked=True)
    deleted = delete(key.class_).where(key.in_(chosen)).returning(key)
    return len(session.scalars(deleted, execution_options={"synchronize_session": False}).all())


def _conditions(which: Criteria) -> list[ColumnElement[bool]]:
    conditions = []
    if which.user_id is not None:
        conditions.append(Request.user_id == which.user_id)
    if which.before:
        conditions.append(Request.id < which.before)
    if which.since is not None:
        conditions.append(Request.id >= first_id(which.since))
    if which.until is not None:
        conditions.append(Request.id < first_id(which.until))
    return conditions


def _latest() -> Subquery:
    """Of the images with feedback that were answered last: the version, and 1 if it was right."""
    same = (Feedback.request_id == Response.request_id) & (Feedback.position == Response.position)
    right = case((Response.name == Feedback.label, 1), else_=0).label("right")
    last = (Feedback.request_id.desc(), Feedback.position.desc())  # backwards in the primary key
    told = select(Response.version, right).join(Feedback, same)
    return told.order_by(*last).limit(LATEST).subquery()


def _of(table: type[Part], ids: Sequence[str]) -> Select[Part]:
    """The rows of these requests."""
    return select(table).where(table.request_id.in_(ids)).order_by(table.position)


def _by_request(rows: Iterable[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for row in rows:
        found.setdefault(row.request_id, []).append(row)
    return found

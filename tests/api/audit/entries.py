"""Entries of an audit trail, of any size."""

from datetime import UTC, datetime

from api.audit.entry import Answered, Entry, new_id

VERSION = "a" * 64


def entry(images: int = 0, at: datetime | None = None, **facts: object) -> Entry:
    """A request of so many images, answered now unless it is said when."""
    at = at or datetime.now(UTC)
    answers = tuple(answered(index) for index in range(images))
    given = {
        "id": new_id(at),
        "request_id": "a-request",
        "user_id": None,
        "method": "POST",
        "path": "/predict",
        "status": 200,
        "milliseconds": 1.5,
        "answers": answers,
    }
    return Entry(at=at, **(given | facts))  # type: ignore[arg-type]


def answered(index: int = 0, **facts: object) -> Answered:
    """An image that was answered with the class of that number."""
    given = {
        "sha256": f"{index:064x}",
        "version": VERSION,
        "index": index,
        "name": f"class {index}",
        "label": f"class {index}",
        "confidence": 0.75,
    }
    return Answered(**(given | facts))  # type: ignore[arg-type]

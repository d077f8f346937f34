"""The three ways to send an object: alone, with its fields in one body, and in resumable parts.

See https://cloud.google.com/storage/docs/uploads-downloads and
https://cloud.google.com/storage/docs/performing-resumable-uploads.
"""

import json
import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from tests.gcs.objects import Conditions, Draft, Refusal, StoredObject

# Every part but the last is a multiple of this.
UNIT = 256 * 1024

# What a client may set of an object; anything else in its JSON is ignored.
WRITABLE = {
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "crc32c",
    "customTime",
    "md5Hash",
    "metadata",
}


def fields_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; an empty body is an empty one."""
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        raise Refusal(400, "parseError", "Parse Error") from None
    if not isinstance(fields, dict):
        raise Refusal(400, "parseError", "Parse Error")
    return fields


def writable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the fields that a client may set."""
    return {key: value for key, value in fields.items() if key in WRITABLE}


def named(fields: Mapping[str, Any], query: Mapping[str, str]) -> str:
    """The name of the object to write."""
    name = query.get("name") or fields.get("name")
    if not name:
        raise Refusal(400, "required", "Required")
    return str(name)


def simple(query: Mapping[str, str], content_type: str, body: bytes) -> Draft:
    """``uploadType=media``: the body is the content."""
    return Draft(named({}, query), body, {"contentType": content_type} if content_type else {})


def multipart(query: Mapping[str, str], content_type: str, body: bytes) -> Draft:
    """``uploadType=multipart``: the fields as JSON, and then the content."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    parts = body.split(b"--" + str(boundary).encode())
    if boundary is None or len(parts) != 4 or not parts[3].startswith(b"--"):
        raise Refusal(400, "badRequest", "Malformed multipart body.")
    (_, first), (headers, content) = (_part(part) for part in parts[1:3])
    fields = fields_of(first)
    return Draft(
        named(fields, query),
        content,
        {"contentType": headers.get("content-type")} | writable(fields),
    )


def _part(part: bytes) -> tuple[dict[str, str], bytes]:
    head, end, content = part.partition(b"\r\n\r\n")
    if not end:
        raise Refusal(400, "badRequest", "Malformed multipart body.")
    lines = (line.partition(":") for line in head.decode().splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in lines}, content[:-2]


@dataclass
class Session:
    """A resumable upload: what was asked for at its start, and what has come since."""

    bucket: str
    who: str
    name: str
    fields: dict[str, Any]
    conditions: Conditions
    content: bytearray = field(default_factory=bytearray)
    done: StoredObject | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, content_range: str, part: bytes) -> bool:
        """Keep what is new of a part, and say whether the content is complete.

        ``content_range`` is ``bytes 0-5/9``, ``bytes 0-5/*``, or ``bytes */9`` and ``bytes */*``,
        which send nothing and ask how much has come.
        """
        match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", content_range)
        if not match:
            raise Refusal(400, "badRequest", f"Invalid Content-Range: {content_range}")
        first, last, total = match.groups()
        if first is not None:
            self._keep(int(first), int(last), total, part)
        return total == str(len(self.content))

    def _keep(self, first: int, last: int, total: str, part: bytes) -> None:
        final = total == str(last + 1)
        if len(part) != last - first + 1 or (len(part) % UNIT and not final):
            raise Refusal(400, "badRequest", "The part's length is not that of its range.")
        if first > len(self.content):
            raise Refusal(400, "badRequest", f"Bytes {len(self.content)}-{first - 1} are missing.")
        self.content += part[len(self.content) - first :]

    def draft(self, hash_header: str) -> Draft:
        """What to write, with the checksums that came with the last part."""
        said = dict(item.strip().split("=", 1) for item in hash_header.split(",") if item)
        names = {"crc32c": "crc32c", "md5": "md5Hash"}
        hashes = {names[key]: value for key, value in said.items() if key in names}
        return Draft(self.name, bytes(self.content), self.fields | hashes)

"""The methods of objects: insert, get, list, rewrite, compose, patch, delete."""

import base64
import re
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from tests.gcs import iam, uploads
from tests.gcs.api import API, Request, Response, route
from tests.gcs.objects import Conditions, Draft, Refusal, StoredObject

OBJECT = "/storage/v1/b/{bucket}/o/{name}"


def shown(request: Request, stored: StoredObject) -> dict[str, Any]:
    """An object's JSON with its links."""
    path = f"/storage/v1/b/{quote(stored.bucket)}/o/{quote(stored.draft.name, safe='')}"
    media = f"{request.base}/download{path}?generation={stored.generation}&alt=media"
    return stored.resource | {"selfLink": request.base + path, "mediaLink": media}


# --- reading ---


@route("GET", OBJECT, "objects.get")
def get_object(api: API, request: Request, bucket: str, name: str) -> Response:
    """An object's metadata, or with ``alt=media`` its content."""
    if request.one.get("alt") == "media":
        return get_media(api, request, bucket, name)
    stored = api.found(request, bucket, name, "generation")
    Conditions.of(request.one).check(stored, unmodified=304)
    return Response.json(shown(request, stored))


@route("GET", f"/download{OBJECT}", "objects.get")
def get_media(api: API, request: Request, bucket: str, name: str) -> Response:
    """An object's content, or a range of it."""
    stored = api.found(request, bucket, name, "generation")
    Conditions.of(request.one).check(stored, unmodified=304)
    names = {"crc32c": "crc32c", "md5Hash": "md5"}
    headers = {
        "Content-Type": stored.draft.fields.get("contentType") or "application/octet-stream",
        "x-goog-generation": str(stored.generation),
        "x-goog-metageneration": str(stored.metageneration),
        "x-goog-hash": ",".join(f"{names[key]}={value}" for key, value in stored.hashes.items()),
        "x-goog-stored-content-length": str(len(stored.content)),
        "x-goog-stored-content-encoding": "identity",
        "x-goog-storage-class": "STANDARD",
    }
    asked = request.header("Range")
    if not asked:
        return Response(200, stored.content, headers)
    part = _range(asked, len(stored.content))
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(stored.content)}"
    return Response(206, stored.content[part.start : part.stop], headers)


def _range(asked: str, size: int) -> range:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
    if not match or match.groups() == ("", ""):
        raise Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
    first, last = match.groups()
    if first:
        start, stop = int(first), min(int(last or size) + 1, size)
    else:
        start, stop = max(size - int(last), 0), size
    if start >= stop:
        raise Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
    return range(start, stop)


@route("GET", "/storage/v1/b/{bucket}/o", "objects.list")
def list_objects(api: API, request: Request, bucket: str) -> Response:
    """A page of the objects, and of the folders if there is a delimiter, by name."""
    api.allow(request, bucket, "storage.objects.list")
    query = request.one
    after = base64.urlsafe_b64decode(query.get("pageToken", "")).decode()
    size = min(int(query.get("maxResults", api.page_size)), api.page_size)
    entries = _entries(
        list(api.store.bucket(bucket).objects.values()),
        query.get("prefix", ""),
        query.get("delimiter", ""),
    )
    names = sorted(name for name in entries if name > after)
    page = [(name, entries[name]) for name in names[:size]]
    listing: dict[str, Any] = {"kind": "storage#objects"}
    listing["items"] = [shown(request, stored) for _, stored in page if stored]
    listing["prefixes"] = [name for name, stored in page if not stored]
    if len(names) > size:
        listing["nextPageToken"] = base64.urlsafe_b64encode(page[-1][0].encode()).decode()
    return Response.json({key: value for key, value in listing.items() if value})


def _entries(
    objects: Iterable[StoredObject], prefix: str, delimiter: str
) -> dict[str, StoredObject | None]:
    """What a listing shows: objects by name, and None by the name of a folder."""
    entries: dict[str, StoredObject | None] = {}
    for stored in objects:
        name = stored.draft.name
        if name.startswith(prefix):
            head, inside, _ = name[len(prefix) :].partition(delimiter or "\0")
            entries[prefix + head + inside if inside else name] = None if inside else stored
    return entries


# --- writing ---


@route("POST", "/upload/storage/v1/b/{bucket}/o", "objects.insert")
def insert_object(api: API, request: Request, bucket: str) -> Response:
    """Write an object that is sent in one request, or begin a resumable upload."""
    query, kind = request.one, request.header("Content-Type")
    if query.get("uploadType") == "resumable":
        return start_upload(api, request, bucket)
    receive = uploads.multipart if query.get("uploadType") == "multipart" else uploads.simple
    draft = receive(query, kind, request.body)
    api.allow_write(request.who, bucket, draft.name)
    return Response.json(shown(request, api.store.put(bucket, draft, Conditions.of(query))))


def start_upload(api: API, request: Request, bucket: str) -> Response:
    """Begin a resumable upload: its conditions are checked now, and again at its end."""
    query, fields = request.one, uploads.fields_of(request.body)
    name, conditions = uploads.named(fields, query), Conditions.of(query)
    api.allow_write(request.who, bucket, name)
    conditions.check(api.store.find(bucket, name))
    declared = request.header("X-Upload-Content-Type")
    kind = {"contentType": declared} if declared else {}
    session = uploads.Session(
        bucket, request.who, name, kind | uploads.writable(fields), conditions
    )
    api.sessions[session.id] = session
    path = f"/upload/storage/v1/b/{quote(bucket)}/o?uploadType=resumable&upload_id={session.id}"
    return Response(200, headers={"Location": request.base + path})


@route("PUT", "/upload/storage/v1/b/{bucket}/o", "objects.insert")
def continue_upload(api: API, request: Request, bucket: str) -> Response:
    """Take a part of a resumable upload, or tell how much has come. Its address is its key."""
    session = api.sessions.get(request.one.get("upload_id", ""))
    if session is None:
        raise Refusal(404, "notFound", "No such upload.")
    with session.lock:
        size = len(request.body)
        whole = f"bytes 0-{size - 1}/{size}" if size else "bytes */0"
        if not session.done and session.take(
            request.header("Content-Range") or whole, request.body
        ):
            api.allow_write(session.who, bucket, session.name)
            draft = session.draft(request.header("X-Goog-Hash"))
            session.done = api.store.put(bucket, draft, session.conditions)
    if session.done:
        return Response.json(shown(request, session.done))
    kept = {"Range": f"bytes=0-{len(session.content) - 1}"} if session.content else {}
    return Response(308, headers=kept)


@route(
    "POST",
    OBJECT + "/rewriteTo/b/{to_bucket}/o/{to_name}",
    "objects.rewrite",
)
def rewrite_object(
    api: API, request: Request, bucket: str, name: str, to_bucket: str, to_name: str
) -> Response:
    """Copy an object, under the metadata of the request's body or else under the source's."""
    query = request.one
    source = api.found(request, bucket, name, "sourceGeneration")
    api.allow_write(request.who, to_bucket, to_name)
    Conditions.of(query, "ifSource").check(source)
    conditions = Conditions.of(query)
    conditions.check(api.store.find(to_bucket, to_name))
    copied = _copied(api, request, source)
    progress = {
        "kind": "storage#rewriteResponse",
        "totalBytesRewritten": str(copied),
        "objectSize": str(len(source.content)),
        "done": copied == len(source.content),
    }
    if not progress["done"]:
        token = uuid.uuid4().hex
        api.rewrites[token] = (request.path, copied)
        return Response.json(progress | {"rewriteToken": token})
    fields = uploads.writable(uploads.fields_of(request.body)) or source.draft.fields
    draft = Draft(to_name, source.content, fields, source.draft.components)
    resource = shown(request, api.store.put(to_bucket, draft, conditions))
    return Response.json(progress | {"resource": resource})


def _copied(api: API, request: Request, source: StoredObject) -> int:
    """How much of a rewrite is done after this call of it."""
    token, before = request.one.get("rewriteToken"), 0
    if token:
        path, before = api.rewrites.get(token, ("", 0))
        if path != request.path:
            raise Refusal(400, "invalid", "Invalid rewrite token.")
    size = len(source.content)
    most = int(request.one.get("maxBytesRewrittenPerCall") or api.rewrite_bytes or size)
    return min(before + most, size)


@route("POST", OBJECT + "/compose", "objects.compose")
def compose_object(api: API, request: Request, bucket: str, name: str) -> Response:
    """Write an object from up to 32 others of the bucket, one after the other."""
    body = uploads.fields_of(request.body)
    parts = [_component(api, request, bucket, each) for each in body.get("sourceObjects", [])]
    if not 1 <= len(parts) <= 32:
        raise Refusal(400, "invalid", "The number of source components must be from 1 to 32.")
    api.allow_write(request.who, bucket, name)
    draft = Draft(
        name,
        b"".join(part.content for part in parts),
        uploads.writable(body.get("destination", {})),
        sum(part.draft.components or 1 for part in parts),
    )
    stored = api.store.put(bucket, draft, Conditions.of(request.one))
    return Response.json(shown(request, stored))


def _component(api: API, request: Request, bucket: str, part: dict[str, Any]) -> StoredObject:
    api.allow(request, bucket, "storage.objects.get", part["name"])
    stored = api.store.get(bucket, part["name"], part.get("generation"))
    Conditions.of(part.get("objectPreconditions", {})).check(stored)
    return stored


@route("GET", OBJECT + "/iam/testPermissions", "objects.testIamPermissions")
def permitted(api: API, request: Request, bucket: str, name: str) -> Response:
    """Which of the permissions asked about the caller has on an object that exists."""
    api.store.get(bucket, name, request.one.get("generation"))
    granted = iam.granted(api.store.bucket(bucket), request.who, name)
    asked = [each for each in request.query.get("permissions", []) if each in granted]
    return Response.json({"kind": "storage#testIamPermissionsResponse", "permissions": asked})


@route("PATCH", OBJECT, "objects.patch")
def patch_object(api: API, request: Request, bucket: str, name: str) -> Response:
    """Change some of an object's metadata; null removes a field."""
    api.allow(request, bucket, "storage.objects.update", name)
    changes = uploads.writable(uploads.fields_of(request.body))
    return Response.json(shown(request, api.store.patch(bucket, name, request.one, changes)))


@route("DELETE", OBJECT, "objects.delete")
def delete_object(api: API, request: Request, bucket: str, name: str) -> Response:
    """Remove an object."""
    api.allow(request, bucket, "storage.objects.delete", name)
    api.store.delete(bucket, name, request.one)
    return Response(204)

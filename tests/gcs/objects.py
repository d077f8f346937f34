"""Buckets and objects as Google Cloud Storage keeps them: generations, conditions, checksums.

No HTTP in here. The rules are those that Google publishes at
https://cloud.google.com/storage/docs/json_api/v1/objects and
https://cloud.google.com/storage/docs/request-preconditions, for buckets without versioning.
"""

import base64
import functools
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import google_crc32c


class Refusal(Exception):
    """An error answer.

    Attributes:
        status: of HTTP.
        reason: Google's word for it.
        message: a sentence.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


def crc32c(content: bytes) -> str:
    """The CRC32C of ``content`` as Google writes it: base64 of four big-endian bytes."""
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def md5(content: bytes) -> str:
    """The MD5 of ``content`` in base64."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


@dataclass(frozen=True)
class Draft:
    """What a request wants written: content, and the fields of an object that a client may set."""

    name: str
    content: bytes
    fields: Mapping[str, Any]
    components: int = 0


@dataclass(frozen=True)
class StoredObject:
    """One generation of an object."""

    bucket: str
    draft: Draft
    generation: int
    metageneration: int
    created: str
    updated: str

    @property
    def content(self) -> bytes:
        """The bytes."""
        return self.draft.content

    @functools.cached_property
    def hashes(self) -> dict[str, str]:
        """Its checksums; a composite object has no MD5."""
        known = {"crc32c": crc32c(self.content)}
        return known if self.draft.components else known | {"md5Hash": md5(self.content)}

    @property
    def resource(self) -> dict[str, Any]:
        """Its JSON, without the links, as they depend on where the server listens."""
        components = {"componentCount": self.draft.components} if self.draft.components else {}
        return {
            **self.draft.fields,
            **self.hashes,
            **components,
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.draft.name}/{self.generation}",
            "name": self.draft.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "storageClass": "STANDARD",
            "size": str(len(self.content)),
            "etag": base64.b64encode(f"{self.generation}/{self.metageneration}".encode()).decode(),
            "timeCreated": self.created,
            "updated": self.updated,
        }


@dataclass(frozen=True)
class Conditions:
    """What a request wants to be true of an object; None asks for nothing."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str], prefix: str = "if") -> "Conditions":
        """The conditions in a query, whose parameters start with ``if`` or ``ifSource``."""

        def number(name: str) -> int | None:
            value = query.get(prefix + name)
            try:
                return None if value is None else int(value)
            except ValueError:
                raise Refusal(400, "invalid", f"Invalid value for {prefix}{name}.") from None

        return cls(
            number("GenerationMatch"),
            number("GenerationNotMatch"),
            number("MetagenerationMatch"),
            number("MetagenerationNotMatch"),
        )

    def check(self, found: StoredObject | None, unmodified: int = 412) -> None:
        """Refuse with 412 if they do not hold of ``found``; generation 0 is 'no such object'.

        A ``NotMatch`` fails where there is no object, and answers ``unmodified``: 304 to a read.
        """
        generation = found.generation if found else 0
        metageneration = found.metageneration if found else None
        if self.generation not in (None, generation):
            raise _failed(412)
        if self.metageneration not in (None, metageneration):
            raise _failed(412)
        if self.not_generation is not None and generation in (0, self.not_generation):
            raise _failed(unmodified)
        if self.not_metageneration is not None and metageneration in (
            None,
            self.not_metageneration,
        ):
            raise _failed(unmodified)


def _failed(status: int) -> Refusal:
    message = "At least one of the pre-conditions you specified did not hold."
    return Refusal(status, "conditionNotMet", message)


@dataclass
class Bucket:
    """A bucket: what it was made with, who may do what, and its live objects."""

    name: str
    fields: dict[str, Any]
    policy: dict[str, Any]
    objects: dict[str, StoredObject] = field(default_factory=dict)

    @property
    def resource(self) -> dict[str, Any]:
        """Its JSON."""
        defaults = {"location": "US", "storageClass": "STANDARD", "metageneration": "1"}
        own = {"kind": "storage#bucket", "id": self.name, "name": self.name}
        return {**defaults, **self.fields, **own}


class Store:
    """All buckets. Every write is one step, whoever else writes at the same time."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.RLock()
        self._generation = 0

    def make_bucket(self, fields: dict[str, Any]) -> Bucket:
        """A new bucket. Unlike Google's, it is everyone's until its policy is set."""
        everyone = {"role": "roles/storage.admin", "members": ["allUsers"]}
        bucket = Bucket(str(fields.get("name")), fields, {"bindings": [everyone]})
        with self._lock:
            if bucket.name in self._buckets:
                raise Refusal(409, "conflict", "Your previous request to create it succeeded.")
            self._buckets[bucket.name] = bucket
        return bucket

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name."""
        if name not in self._buckets:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        return self._buckets[name]

    def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket."""
        with self._lock:
            if self.bucket(name).objects:
                raise Refusal(409, "conflict", "The bucket you tried to delete is not empty.")
            del self._buckets[name]

    def find(self, bucket: str, name: str) -> StoredObject | None:
        """The live object, or None."""
        return self.bucket(bucket).objects.get(name)

    def get(self, bucket: str, name: str, generation: str | int | None = None) -> StoredObject:
        """The live object; with ``generation``, only if that is its generation."""
        found = self.find(bucket, name)
        if found is None or str(generation or found.generation) != str(found.generation):
            raise Refusal(404, "notFound", f"No such object: {bucket}/{name}")
        return found

    def put(self, bucket: str, draft: Draft, conditions: Conditions) -> StoredObject:
        """Write a new generation, if the conditions hold of what is there."""
        _check_hashes(draft)
        _check_metadata(draft.fields)
        with self._lock:
            home = self.bucket(bucket)
            live = home.objects.get(draft.name)
            conditions.check(live)
            self._check_retention(home, live)
            self._generation = max(self._generation + 1, time.time_ns() // 1000)
            now = _now()
            written = StoredObject(bucket, draft, self._generation, 1, now, now)
            home.objects[draft.name] = written
        return written

    def patch(
        self, bucket: str, name: str, query: Mapping[str, str], changes: Mapping[str, Any]
    ) -> StoredObject:
        """Change an object's fields: same generation, next metageneration."""
        with self._lock:
            live = self.get(bucket, name, query.get("generation"))
            Conditions.of(query).check(live)
            fields = _merged(live.draft.fields, changes)
            _check_metadata(fields)
            patched = replace(
                live,
                draft=replace(live.draft, fields=fields),
                metageneration=live.metageneration + 1,
                updated=_now(),
            )
            self.bucket(bucket).objects[name] = patched
        return patched

    def delete(self, bucket: str, name: str, query: Mapping[str, str]) -> None:
        """Remove an object, if the conditions hold of it."""
        with self._lock:
            live = self.get(bucket, name, query.get("generation"))
            Conditions.of(query).check(live)
            self._check_retention(self.bucket(bucket), live)
            del self.bucket(bucket).objects[name]

    def _check_retention(self, bucket: Bucket, live: StoredObject | None) -> None:
        policy = bucket.fields.get("retentionPolicy", {})
        period = timedelta(seconds=int(policy.get("retentionPeriod", 0)))
        if live and datetime.now(UTC) < datetime.fromisoformat(live.created) + period:
            message = f"Object '{bucket.name}/{live.draft.name}' is subject to bucket's retention"
            raise Refusal(403, "retentionPolicyNotMet", f"{message} policy.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check_hashes(draft: Draft) -> None:
    for key, calculate in (("crc32c", crc32c), ("md5Hash", md5)):
        said = draft.fields.get(key)
        if said is not None and said != calculate(draft.content):
            message = f'Provided {key} "{said}" doesn\'t match calculated {key}.'
            raise Refusal(400, "invalid", message)


def _check_metadata(fields: Mapping[str, Any]) -> None:
    """Refuse what is over the limit of https://cloud.google.com/storage/quotas#objects."""
    metadata = fields.get("metadata") or {}
    if sum(len(f"{key}{value}".encode()) for key, value in metadata.items()) > 8192:
        raise Refusal(400, "invalid", "The custom metadata is larger than 8 KiB.")


def _merged(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch, RFC 7396."""
    merged = dict(fields)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = _merged(merged.get(key) or {}, value)
        else:
            merged[key] = value
    return merged

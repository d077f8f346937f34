"""From a request to the method of the JSON API that it names, and to a response; no sockets.

The methods are in :mod:`tests.gcs.bucket_methods` and :mod:`tests.gcs.object_methods`, as
https://cloud.google.com/storage/docs/json_api/v1 describes them. Left out: versioning, access
lists, holds, encryption keys, notifications, folders and batches.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.gcs import iam, uploads
from tests.gcs.objects import Refusal, Store, StoredObject


@dataclass(frozen=True)
class Request:
    """A request. ``path`` is still percent-encoded; the names of ``headers`` are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    base: str  # the address that the client used

    @property
    def one(self) -> dict[str, str]:
        """Each parameter's last value."""
        return {name: values[-1] for name, values in self.query.items()}

    def header(self, name: str) -> str:
        """A header, or nothing."""
        return self.headers.get(name.lower(), "")

    @property
    def who(self) -> str:
        """The caller's name."""
        return iam.caller(self.header("Authorization"))


@dataclass(frozen=True)
class Response:
    """An answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: object, status: int = 200) -> "Response":
        """An answer in JSON."""
        kind = {"Content-Type": "application/json; charset=UTF-8"}
        return cls(status, json.dumps(value).encode(), kind)

    @classmethod
    def of(cls, refusal: Refusal) -> "Response":
        """An error in Google's shape; 304 has no body."""
        if refusal.status == 304:
            return cls(304)
        detail = {"message": refusal.message, "domain": "global", "reason": refusal.reason}
        error = {"code": refusal.status, "message": refusal.message, "errors": [detail]}
        return cls.json({"error": error}, refusal.status)


Method = Callable[..., Response]
ROUTES: list[tuple[str, re.Pattern[str], str, Method]] = []


def route(method: str, template: str, operation: str) -> Callable[[Method], Method]:
    """Serve ``template``, where ``{word}`` is one part of the path, by the decorated method."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def add(function: Method) -> Method:
        ROUTES.append((method, pattern, operation, function))
        return function

    return add


@dataclass
class API:
    """The state of a server.

    Attributes:
        store: the buckets.
        rewrite_bytes: how much one call of ``rewrite`` copies at most; Google decides that by
            itself where an object changes its location or class.
        page_size: how many entries a page of a listing has at most; Google may send fewer.
    """

    store: Store = field(default_factory=Store)
    rewrite_bytes: int | None = None
    page_size: int = 1000
    sessions: dict[str, uploads.Session] = field(default_factory=dict)
    rewrites: dict[str, tuple[str, int]] = field(default_factory=dict)

    def operation(self, request: Request) -> str:
        """The name of what is asked for."""
        found = _resolve(request)
        return found[0] if found else "unknown"

    def answer(self, request: Request) -> Response:
        """Do what is asked for."""
        try:
            found = _resolve(request)
            if found is None:
                raise Refusal(404, "notFound", "Not Found")
            _, function, parts = found
            return function(self, request, **parts)
        except Refusal as refusal:
            return Response.of(refusal)

    def allow(self, request: Request, bucket: str, permission: str, name: str = "") -> None:
        """Refuse a caller without a permission on an object, or else on the bucket."""
        iam.require(self.store.bucket(bucket), request.who, permission, name=name)

    def allow_write(self, who: str, bucket: str, name: str) -> None:
        """Refuse a caller who may not write there; to overwrite takes a second permission."""
        overwrite = ("storage.objects.delete",) if self.store.find(bucket, name) else ()
        needed = ("storage.objects.create", *overwrite)
        iam.require(self.store.bucket(bucket), who, *needed, name=name)

    def found(self, request: Request, bucket: str, name: str, generation: str) -> StoredObject:
        """An object to read. That it is missing, only those who may list are told."""
        self.allow(request, bucket, "storage.objects.get", name)
        try:
            return self.store.get(bucket, name, request.one.get(generation))
        except Refusal:
            self.allow(request, bucket, "storage.objects.list")
            raise


def _resolve(request: Request) -> tuple[str, Method, dict[str, str]] | None:
    for method, pattern, operation, function in ROUTES:
        match = pattern.fullmatch(request.path)
        if match and method == request.method:
            return operation, function, {k: unquote(v) for k, v in match.groupdict().items()}
    return None

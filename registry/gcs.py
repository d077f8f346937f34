"""The registry in a Google Cloud Storage bucket.

Every write is conditional on a generation, so that the client library may send it again when an
answer is lost without ever writing twice. Errors leave this module as those of
:mod:`registry.errors`, in a sentence that names bucket and object.
"""

import base64
import contextlib
import functools
import mimetypes
import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

import google_crc32c
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY

from registry.backend import Blob, Diagnosis
from registry.errors import (
    Corrupt,
    Forbidden,
    NotFound,
    PreconditionFailed,
    RegistryError,
    Unreachable,
)
from registry.gcs_errors import NEEDS, Asked, identity, translate, without_credentials
from registry.roles import WRITES, Area, Role

# Of an upload, this much is in memory at a time. The library sends up to so much in one request.
CHUNK = 8 * 2**20

# No stage needs this one: with it, diagnose also tells what is wrong with the bucket.
SEE_BUCKET = "storage.buckets.get"

WRITING = ("storage.objects.create", "storage.objects.delete")
OF_BUCKET = ("storage.objects.list", SEE_BUCKET)

# Why something is not known: without a role, and with one.
UNTOLD = (
    "a grant on condition of an object's name does not show on the bucket: say whose work is to "
    "be done, with --role",
    "a grant on condition of an object's name shows on objects alone, where there is one yet and "
    "the server tells: otherwise the first write will",
)


class GCSBackend:
    """Objects of one bucket, below one prefix. Threads may share it; forked processes may not.

    Nothing is asked of Google, not even who we are, before the first call of a method.
    Outside Google Cloud, without credentials, that call fails only after some ten seconds, in
    which the library looks for a metadata server.

    Args:
        bucket: the bucket's name.
        prefix: the path of the registry's root in the bucket; empty for the bucket's own root.
        timeout: seconds within which a request is given up, however often it was tried again. A
            transfer may take longer, as long as bytes keep coming.
    """

    def __init__(self, bucket: str, prefix: str, timeout: float) -> None:
        self._name = bucket
        self._root = f"{prefix.strip('/')}/".lstrip("/")
        # A quarter of the time for starting tries. The last of them has a quarter to connect, and
        # a half to wait for bytes, as Google asks for 30 seconds in which to rewrite.
        self._patience: dict[str, Any] = {
            "timeout": (timeout / 4, timeout / 2),
            "retry": DEFAULT_RETRY.with_timeout(timeout / 4).with_delay(
                initial=timeout / 60, maximum=timeout / 4
            ),
        }

    def stat(self, name: str) -> Blob | None:
        """The object as it is now, or None."""
        with self._errors(name, "storage.objects.get"):
            handle = self._handle(name)
            try:
                handle.reload(**self._patience)
            except api.NotFound:
                self._require_bucket()
                return None
            return self._blob(handle)

    def list(self, prefix: str) -> Iterator[Blob]:
        """Every object whose name starts with ``prefix``, by name."""
        with self._errors("", "storage.objects.list"):
            handles = self._client.list_blobs(
                self._name,
                prefix=self._root + prefix,
                fields="items(name,generation,size,metadata),nextPageToken",
                **self._patience,
            )
            try:
                for handle in handles:
                    yield self._blob(handle)
            except api.NotFound:
                raise self._no_bucket() from None

    def read(self, blob: Blob, target: BinaryIO) -> None:
        """Stream the content of exactly ``blob``'s generation into ``target``."""
        with self._errors(blob.name, "storage.objects.get"):
            # A new handle: the library reads one that was looked up through the link that the
            # server gave, which may name another host where the server is an emulator.
            handle = self._handle(blob.name, generation=blob.generation)
            received = _Summed(target)
            # The library's own check leaves out a transfer that was interrupted and resumed.
            try:
                handle.download_to_file(
                    received, raw_download=True, checksum=None, **self._patience
                )
            except api.NotFound:
                raise self._gone(blob) from None
        if received.size != blob.size or handle.crc32c not in (received.crc32c, None):
            raise Corrupt(
                f"{self._url(blob.name)} was damaged on the way: got {received.size} bytes of "
                f"{blob.size}, CRC32C {received.crc32c} instead of {handle.crc32c}"
            )

    def create(self, name: str, source: BinaryIO) -> Blob:
        """Write an object that must not exist yet, whole or not at all."""
        with self._errors(name, "storage.objects.create"):
            handle = self._handle(name, chunk_size=CHUNK)
            try:
                handle.upload_from_file(
                    source,
                    rewind=True,
                    size=source.seek(0, os.SEEK_END),
                    content_type=_content_type(name),
                    if_generation_match=0,
                    checksum="crc32c",
                    **self._patience,
                )
            except api.NotFound:
                self._require_bucket()
                raise
            except api.Forbidden as error:
                # Only an object that exists takes this permission to write, and whether Google
                # looks at it before or after the generation is nowhere promised.
                if "storage.objects.delete" in str(error):
                    raise PreconditionFailed(f"{self._url(name)} exists already") from error
                raise
            except ValueError as error:
                if type(error) is not ValueError:
                    raise
                # So says the library when only a part of a part was kept, as Google may do.
                raise Unreachable(f"{self._url(name)} was not taken in full: {error}") from error
            return self._blob(handle)

    def replace_if(
        self, name: str, source: Blob, metadata: Mapping[str, str], generation: int
    ) -> Blob:
        """Put the content of ``source`` and ``metadata`` under ``name`` in one atomic write."""
        with self._errors(
            name, "storage.objects.delete" if generation else "storage.objects.create"
        ):
            # Unlike a copy, a rewrite takes metadata for its destination, and then all of it.
            handle = self._handle(name)
            handle.metadata = dict(metadata)
            handle.content_type = _content_type(name)
            # Pinned by sourceGeneration alone: were ifSourceGenerationMatch sent too, nobody
            # could tell which of the two conditions a 412 is about.
            origin = self._handle(source.name, generation=source.generation)
            rewrite = functools.partial(
                handle.rewrite, origin, if_generation_match=generation, **self._patience
            )
            try:
                token, *_ = rewrite()
                while token:
                    token, *_ = rewrite(token=token)
            except api.NotFound:
                self._require_bucket()
                raise self._gone(source) from None
            return self._blob(handle)

    def diagnose(self, role: Role | None = None) -> Diagnosis:
        """Say who we are to the registry and what we may do there; raises nothing.

        A grant on condition of an object's name does not show on the bucket. For a role, objects
        of those that it writes are asked about; where there is none yet, nothing tells.
        """
        permissions: dict[str, bool | None] = dict.fromkeys([*NEEDS, SEE_BUCKET])
        note = ""
        try:
            client = self._client
        except Forbidden as error:
            return Diagnosis("nobody", self._url(""), permissions, (str(error),))
        try:
            granted = self._granted()
            permissions = self._permissions(granted, role)
            problems = self._lacking(permissions) + self._retention(granted)
            note = UNTOLD[role is not None] if None in permissions.values() else ""
        except RegistryError as error:
            problems = (str(error),)
        # Only now: on Google's own machines the first request finds out who we are.
        who = identity(client._credentials)
        return Diagnosis(who, self._url(""), permissions, problems, note)

    # --- what diagnose tells ---

    def _granted(self) -> Collection[str] | None:
        """What is granted on the bucket; None from an emulator that does not tell."""
        with self._errors("", SEE_BUCKET):
            try:
                return self._ask(self._bucket)
            except (api.NotFound, api.MethodNotAllowed, api.MethodNotImplemented):
                self._require_bucket()
                return None

    def _granted_in(self, area: Area) -> Collection[str] | None:
        """What is granted on the objects of an area; None if there is none or nothing tells."""
        blob = next((blob for blob in self.list(area.prefix) if area.holds(blob.name)), None)
        if blob is None:
            return None
        with self._errors(blob.name, SEE_BUCKET):
            try:
                return self._ask(self._handle(blob.name))
            except (api.ClientError, api.MethodNotImplemented):
                return None

    def _ask(self, about: storage.Bucket | storage.Blob) -> Collection[str]:
        granted: list[str] = about.test_iam_permissions([*NEEDS, SEE_BUCKET], **self._patience)
        return granted

    def _permissions(
        self, granted: Collection[str] | None, role: Role | None
    ) -> dict[str, bool | None]:
        if granted is None:
            return dict.fromkeys([*NEEDS, SEE_BUCKET])
        found: dict[str, bool | None] = {
            # Objects are listed of the bucket, so that no condition on a name grants it.
            permission: permission in granted or (False if permission in OF_BUCKET else None)
            for permission in [*NEEDS, SEE_BUCKET]
            if role is None or permission not in WRITING
        }
        for area in WRITES[role] if role else ():
            here = self._granted_in(area)
            for permission in WRITING if area.replaced else WRITING[:1]:
                on_bucket = permission in granted or None
                found[f"{permission} for {area}"] = (
                    on_bucket if here is None else permission in here
                )
        return found

    def _lacking(self, permissions: Mapping[str, bool | None]) -> tuple[str, ...]:
        who = identity(self._client._credentials)
        return tuple(
            self._lack(who, *permission.split(" for "))
            for permission, allowed in permissions.items()
            if allowed is False and permission != SEE_BUCKET
        )

    def _lack(self, who: str, permission: str, area: str = "") -> str:
        need = NEEDS[permission]
        return (
            f"{who} lacks {permission} for {self._url(area)}, needed for {need.purpose}: "
            f"grant it {need.role}"
        )

    def _retention(self, granted: Collection[str] | None) -> tuple[str, ...]:
        if SEE_BUCKET not in (granted or ()):
            return ()
        with self._errors("", SEE_BUCKET):
            bucket = self._client.get_bucket(self._name, **self._patience)
        if not bucket.retention_period:
            return ()
        return (
            f"gs://{self._name} has a retention policy, which forbids replacing what a stage "
            "holds: remove it, and protect single objects with holds instead",
        )

    # --- Google's client ---

    @functools.cached_property
    def _client(self) -> storage.Client:
        try:
            # No request of ours needs a project, and this way none is looked for.
            client = storage.Client(project=None)
        except auth.GoogleAuthError as error:
            raise without_credentials(self._url(""), error) from error
        # Otherwise the library fetches the bucket's location for its traces, in a thread that
        # goes on for minutes when the server is away, and with a permission we may not have.
        client._bucket_metadata_cache = None
        client._http.hooks["response"].append(_read_refusal)
        return client

    @functools.cached_property
    def _bucket(self) -> storage.Bucket:
        return self._client.bucket(self._name)

    def _handle(self, name: str, **options: Any) -> storage.Blob:
        return self._bucket.blob(self._root + name, **options)

    def _blob(self, handle: storage.Blob) -> Blob:
        return Blob(
            name=handle.name.removeprefix(self._root),
            generation=handle.generation,
            size=handle.size or 0,
            metadata=handle.metadata or {},
        )

    def _gone(self, blob: Blob) -> NotFound:
        return NotFound(f"generation {blob.generation} of {self._url(blob.name)} is gone")

    def _url(self, name: str) -> str:
        return f"gs://{self._name}/{self._root}{name}"

    def _require_bucket(self) -> None:
        """Tell a missing bucket from a missing object: both are a plain 404."""
        try:
            next(iter(self._client.list_blobs(self._name, max_results=1, **self._patience)), None)
        except api.NotFound:
            raise self._no_bucket() from None

    def _no_bucket(self) -> NotFound:
        return NotFound(f"there is no bucket gs://{self._name}: create it or correct REGISTRY_URL")

    # --- errors ---

    @contextlib.contextmanager
    def _errors(self, name: str, permission: str) -> Iterator[None]:
        """Turn the libraries' errors about an object, or the root, into ours."""
        try:
            yield
        except RegistryError:
            raise
        except Exception as error:
            asked = Asked(
                url=self._url(name),
                permission=permission,
                identity=identity(self._client._credentials),
                endpoint=str(self._client.api_endpoint),
            )
            ours = translate(error, asked)
            if ours is None:
                raise
            raise ours from error


class _Summed:
    """Writes to a file, and sums up what passes."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._sum = 0
        self.size = 0

    def write(self, data: bytes) -> int:
        self._sum = google_crc32c.extend(self._sum, data)
        self.size += len(data)
        return self._target.write(data)

    @property
    def crc32c(self) -> str:
        return base64.b64encode(self._sum.to_bytes(4, "big")).decode()


def _read_refusal(response: requests.Response, **options: object) -> None:
    """Read what a download gets instead of its content, which the library leaves in the socket."""
    if not response.ok:
        _ = response.content


def _content_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"

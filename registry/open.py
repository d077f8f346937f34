"""From ``REGISTRY_URL`` to a registry."""

import re
from pathlib import Path
from urllib.parse import unquote

from registry.backend import Backend
from registry.errors import BadRegistryURL
from registry.local import LocalBackend
from registry.settings import RegistrySettings
from registry.store import Registry

# https://cloud.google.com/storage/docs/buckets#naming
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


def open_registry(settings: RegistrySettings) -> Registry:
    """The registry that the settings name; nothing is read or written yet.

    Raises:
        BadRegistryURL: the URL names no registry.
    """
    return Registry(_backend(settings.url, settings.timeout), settings.actor)


def _backend(url: str, timeout: float) -> Backend:
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return LocalBackend(_folder(url, rest), timeout)
    if scheme == "gs":
        bucket, _, prefix = rest.removeprefix("//").partition("/")
        if not rest.startswith("//") or not _BUCKET.fullmatch(bucket):
            raise BadRegistryURL(f"REGISTRY_URL={url} names no bucket: write gs://bucket/prefix")
        # Its client library takes a second to import, which a folder should not cost.
        from registry.gcs import GCSBackend

        return GCSBackend(bucket, prefix.strip("/"), timeout)
    raise BadRegistryURL(
        f"REGISTRY_URL={url} is not a registry: write gs://bucket/prefix or file:folder"
    )


def _folder(url: str, rest: str) -> Path:
    if rest.startswith("//"):
        host, slash, path = rest.removeprefix("//").partition("/")
        if host not in ("", "localhost") or not slash:
            raise BadRegistryURL(
                f"REGISTRY_URL={url} names another machine: write file:folder or file:///folder"
            )
        rest = f"/{path}"
    if not rest or "\0" in unquote(rest):
        raise BadRegistryURL(f"REGISTRY_URL={url} names no folder: write file:folder")
    return Path(unquote(rest))

"""From settings to a registry."""

import re
from pathlib import Path
from urllib.parse import unquote

from registry import keys, names
from registry.backend import Backend
from registry.errors import BadKey, BadRegistryURL
from registry.local import LocalBackend
from registry.settings import RegistrySettings
from registry.signing import Signer, Verifier
from registry.store import Registry
from registry.trust import Trust

# https://cloud.google.com/storage/docs/buckets#naming
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


def open_registry(settings: RegistrySettings, signing: bool = False) -> Registry:
    """The registry that the settings name.

    Nothing is read yet but keys. A public key at its default place is first looked for when there
    is a signature to verify, as there is none before a first promotion.

    Args:
        settings: the settings.
        signing: whether production is to be changed. A pair of keys is made where there is none,
            unless keys are configured or production is signed already.

    Raises:
        BadRegistryURL: the URL names no registry.
        BadKey: a key that is needed is missing or cannot be used.
        RegistryError: the registry cannot say whether production is signed.
    """
    backend = open_backend(settings.url, settings.timeout)
    public = settings.public_key
    verifier = Verifier(lambda: keys.read_public(public))
    if "public_key" in settings.model_fields_set:
        verifier.read_keys()
    signer = _signer(settings, backend, verifier) if signing else None
    trust = Trust(settings.name or registry_name(settings.url), verifier, signer)
    return Registry(backend, settings.actor, trust=trust)


def location(url: str) -> str:
    """Where the registry of that URL is, for a person: a folder in full, or a bucket's URL.

    Raises:
        BadRegistryURL: it is no URL of a folder.
    """
    scheme, _, rest = url.partition(":")
    return f"folder {_folder(url, rest).absolute()}" if scheme == "file" else url


def registry_name(url: str) -> str:
    """What a registry is called if nobody gives it a name; a folder can be moved and mounted."""
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return f"file:{_folder(url, rest).resolve().name}"
    return url.rstrip("/")


def _signer(settings: RegistrySettings, backend: Backend, verifier: Verifier) -> Signer:
    private, public = settings.signing_key, settings.public_key
    configured = {"signing_key", "public_key"} & settings.model_fields_set
    if not configured and not (private.exists() and public.exists()):
        _require_unsigned(backend, settings)
        keys.make(private, public)
    signer = keys.read_private(private)
    if signer.public not in verifier.read_keys():
        raise BadKey(
            f"REGISTRY_PUBLIC_KEY={public} lacks the public half of "
            f"REGISTRY_SIGNING_KEY={private}: add it, or nobody will trust what that one signs"
        )
    return signer


def _require_unsigned(backend: Backend, settings: RegistrySettings) -> None:
    """Check that no key is in use which a new one would lock out."""
    blob = backend.stat(names.stage("production"))
    if blob and blob.metadata.get("signature") and not settings.signing_key.exists():
        raise BadKey(
            f"{settings.url} is signed, and REGISTRY_SIGNING_KEY={settings.signing_key} does not "
            "exist: bring the key of this registry, or make a new one with "
            "`python -m registry keygen` and add its public half wherever the service runs"
        )


def open_backend(url: str, timeout: float) -> Backend:
    """Where the objects of the registry of that URL lie; its rules are not kept there.

    Raises:
        BadRegistryURL: the URL names no registry.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return LocalBackend(_folder(url, rest), timeout)
    if scheme == "gs":
        bucket, _, prefix = rest.removeprefix("//").partition("/")
        if not rest.startswith("//") or not bucket:
            raise BadRegistryURL(f"REGISTRY_URL={url} names no bucket: write gs://bucket/prefix")
        if not _BUCKET.fullmatch(bucket):
            raise BadRegistryURL(
                f"REGISTRY_URL={url}: no bucket can be called {bucket!r}: write gs://bucket/prefix "
                "with 3 to 222 lower-case letters, digits, dots, dashes and underscores for bucket"
            )
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

"""From a URL to a registry."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from registry.errors import BadRegistryURL
from registry.open import open_registry
from registry.settings import RegistrySettings


def location(url: str) -> str:
    return open_registry(RegistrySettings(url=url)).doctor().location


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:var/registry", "{here}/var/registry"),
        ("file:../models", "{here}/../models"),
        ("file:///srv/models", "/srv/models"),
        ("file:/srv/models", "/srv/models"),
        ("file://localhost/srv/models", "/srv/models"),
        ("file:///srv/my%20models", "/srv/my models"),
        ("file:///srv/my models #1?", "/srv/my models #1?"),
    ],
)
def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, folder: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert location(url) == f"folder {folder.format(here=tmp_path)}"


def test_a_bucket(gcs_bucket: str) -> None:
    assert location(f"gs://{gcs_bucket}/models/digits/").startswith(
        f"gs://{gcs_bucket}/models/digits"
    )
    assert location(f"gs://{gcs_bucket}").startswith(f"gs://{gcs_bucket}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "var/registry",
        "/srv/models",
        "file:",
        "file://",
        "file://srv/models",
        "file://srv",
        "file:a%00b",
        "gs:bucket/models",
        "gs://",
        "gs:///models",
        "gs://B/models",
        "gs://user@bucket/models",
        "s3://bucket/models",
        "http://localhost/models",
    ],
)
def test_anything_else_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(BadRegistryURL, match=r"^REGISTRY_URL=.* write "):
        open_registry(RegistrySettings(url=url))


def test_a_bad_name_of_a_bucket_is_not_taken_for_none() -> None:
    with pytest.raises(BadRegistryURL, match="no bucket can be called 'UPPER_bucket'"):
        open_registry(RegistrySettings(url="gs://UPPER_bucket"))


def test_a_timeout_is_above_zero() -> None:
    with pytest.raises(ValidationError):
        RegistrySettings(timeout=0)

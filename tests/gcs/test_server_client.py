"""Google's own client library finds in the server what it expects of Google's."""

import io
import os
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import storage

MiB = 2**20


@pytest.fixture
def bucket(gcs_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[storage.Bucket]:
    # Without this the library asks for the bucket once more, in a thread of its own.
    monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    with storage.Client(project="any") as client:
        yield client.bucket(gcs_bucket)


@pytest.mark.parametrize("size", [0, 5, 9 * MiB])
@pytest.mark.parametrize("checksum", ["crc32c", "md5"])
def test_it_uploads_and_downloads_with_checksums(
    bucket: storage.Bucket, size: int, checksum: str
) -> None:
    content = os.urandom(size)
    blob = bucket.blob("a b/ü", chunk_size=MiB)
    blob.metadata = {"key": "ü"}
    blob.upload_from_file(io.BytesIO(content), size=size, checksum=checksum)
    found = bucket.get_blob("a b/ü")
    assert (found.size, found.metadata, found.generation) == (size, {"key": "ü"}, blob.generation)
    assert found.download_as_bytes(checksum=checksum) == content
    if size:
        assert found.download_as_bytes(start=2, end=3) == content[2:4]


def test_it_reads_in_chunks(bucket: storage.Bucket) -> None:
    content = os.urandom(MiB)
    bucket.blob("a").upload_from_string(content)
    assert bucket.blob("a", chunk_size=256 * 1024).download_as_bytes() == content


def test_it_writes_on_conditions(bucket: storage.Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string("1", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").upload_from_string("2", if_generation_match=0)
    target = bucket.blob("b")
    target.metadata = {"new": "1"}
    assert target.rewrite(blob, if_generation_match=0) == (None, 1, 1)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("b").rewrite(blob, if_generation_match=0)
    target.reload()
    assert target.metadata == {"new": "1"}


def test_it_lists_pages_and_folders(bucket: storage.Bucket) -> None:
    for name in ("a/1", "a/2", "b", "c"):
        bucket.blob(name).upload_from_string("")
    assert [blob.name for blob in bucket.list_blobs(page_size=3)] == ["a/1", "a/2", "b", "c"]
    listing = bucket.list_blobs(delimiter="/", page_size=2)
    assert [blob.name for blob in listing] == ["b", "c"]
    assert listing.prefixes == {"a/"}


def test_it_composes_patches_and_deletes(bucket: storage.Bucket) -> None:
    parts = [bucket.blob(name) for name in "12"]
    for part in parts:
        part.upload_from_string(part.name)
    both = bucket.blob("both")
    both.compose(parts)
    both.metadata = {"x": "y"}
    both.patch()
    assert bucket.get_blob("both").metadata == {"x": "y"}
    assert both.download_as_bytes() == b"12"
    both.delete()
    assert not both.exists()


def test_it_manages_buckets_and_permissions(bucket: storage.Bucket) -> None:
    other = bucket.client.create_bucket(f"{bucket.name}-2", location="EU")
    assert bucket.client.get_bucket(other.name).location == "EU"
    asked = ["storage.objects.get", "storage.nothing"]
    assert other.test_iam_permissions(asked) == ["storage.objects.get"]
    policy = other.get_iam_policy()
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": ["user:a"]})
    other.set_iam_policy(policy)
    assert len(other.get_iam_policy().bindings) == 2
    other.delete()
    assert not other.exists()

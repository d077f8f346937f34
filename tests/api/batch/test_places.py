"""Folders and buckets: what is in them, and what is one image's fault."""

import os
from pathlib import Path

import pytest

from api.batch.errors import BadSource, SourceAway
from api.batch.places import Bucket, Folder, Item, open_place
from images import folder
from images.errors import UnreadableImage
from registry.errors import Unreachable
from registry.gcs import GCSBackend
from tests.gcs.gcs_process import GCSServer

TIMEOUT = 20.0


@pytest.fixture
def bucket(gcs_bucket: str, tmp_path: Path) -> Bucket:
    """A bucket with three objects below a prefix, and others beside them."""
    contents = tmp_path / "content"
    contents.write_bytes(b"content")
    backend = GCSBackend(gcs_bucket, "", TIMEOUT)
    for name in ("in/b.png", "in/a/x.png", "in/ä.png", "in/a/", "in/.hidden/x.png", "into.png"):
        with contents.open("rb") as file:
            backend.create(name, file)
    place = open_place(f"gs://{gcs_bucket}/in/", TIMEOUT)
    assert isinstance(place, Bucket)
    return place


def test_a_folder_gives_every_file_below_it(source: Path) -> None:
    (source / "Thumbs.db").touch()
    (source / ".git").mkdir()
    (source / ".git" / "x.png").touch()
    (source / "notes.txt").touch()
    names = sorted(item.name for item in Folder(source).list())
    images = ["0/0.png", "0/2.png", "0/4.png", "1/1.png", "1/3.png", "1/5.png"]
    assert names == [*images, "damaged.png", "notes.txt"]


def test_a_name_that_is_no_unicode_can_be_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"content")
    (item,) = Folder(tmp_path).list()
    assert Folder(tmp_path).read(item) == b"content"


def test_a_bucket_gives_every_object_below_its_prefix(bucket: Bucket) -> None:
    items = list(bucket.list())
    assert [item.name for item in items] == ["a/x.png", "b.png", "ä.png"]
    assert [bucket.read(item) for item in items] == [b"content"] * 3


def test_an_object_that_was_replaced_is_not_read(bucket: Bucket) -> None:
    item, *_ = bucket.list()
    with pytest.raises(UnreadableImage, match="removed or replaced"):
        bucket.read(Item(item.name, item.generation + 1, item.size))


def test_a_file_too_large_to_be_an_image_is_not_fetched(bucket: Bucket) -> None:
    with pytest.raises(UnreadableImage, match="larger than"):
        bucket.read(Item("b.png", 1, folder.MAX_BYTES + 1))


def test_a_bucket_that_is_away_is_not_an_image_s_fault(
    bucket: Bucket, gcs_server: GCSServer
) -> None:
    place = Bucket(bucket.bucket, bucket.prefix, 0.4)
    item, *_ = bucket.list()
    gcs_server.fail(operation="objects.get", kind="503", times=1000)
    with pytest.raises(Unreachable):
        place.read(item)
    assert gcs_server.behave() == 1


def test_a_missing_file_is_an_image_s_fault_and_a_missing_folder_is_not(tmp_path: Path) -> None:
    place = Folder(tmp_path / "source")
    place.path.mkdir()
    with pytest.raises(UnreadableImage, match="cannot be read: No such file"):
        place.read(Item("gone.png"))
    place.path.rmdir()
    with pytest.raises(SourceAway, match="source cannot be read"):
        place.read(Item("gone.png"))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://bucket", "name a folder, or gs://"),
        ("gs://", "names no bucket"),
        ("gs://B_AD!", "names no bucket"),
    ],
)
def test_what_names_no_place_is_refused(source: str, said: str) -> None:
    with pytest.raises(BadSource, match=said):
        open_place(source, TIMEOUT)


def test_a_place_that_does_not_exist_is_named(gcs_bucket: str, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="nowhere is no folder"):
        list(open_place(str(tmp_path / "nowhere"), TIMEOUT).list())
    with pytest.raises(BadSource, match="there is no bucket gs://no-such-bucket"):
        list(open_place("gs://no-such-bucket/in", TIMEOUT).list())

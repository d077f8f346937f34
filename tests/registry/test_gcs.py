"""The back end on Google Cloud Storage: what the contract of all back ends does not show."""

import io
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud import storage

from registry.backend import Blob
from registry.errors import (
    Corrupt,
    PreconditionFailed,
    Unreachable,
)
from registry.gcs import CHUNK, GCSBackend
from tests.gcs.gcs_process import GCSServer

MiB = 2**20
LARGE = 20 * MiB + 17
STAGE = "production/best_model.hdf5"


def put(backend: GCSBackend, name: str, content: bytes) -> Blob:
    return backend.create(name, io.BytesIO(content))


def got(backend: GCSBackend, blob: Blob) -> bytes:
    target = io.BytesIO()
    backend.read(blob, target)
    return target.getvalue()


@pytest.fixture
def all_strike(gcs_server: GCSServer) -> Iterator[None]:
    """Every fault that the test ordered has struck when it ends."""
    yield
    assert gcs_server.behave() == 0


# --- content ---


def test_large_objects_pass_through_without_filling_memory(
    gcs_backend: GCSBackend, tmp_path: Path
) -> None:
    content = os.urandom(LARGE)
    source = tmp_path / "source"
    source.write_bytes(content)
    gcs_backend.stat("anything")  # what the first request loads is not counted
    tracemalloc.start()
    try:
        with source.open("rb") as file:
            blob = gcs_backend.create("versions/a/best_model.hdf5", file)
        _, sending = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        with (tmp_path / "target").open("wb") as file:
            gcs_backend.read(blob, file)
        _, receiving = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "target").read_bytes() == content
    assert blob.size == LARGE
    assert sending < 2 * CHUNK + MiB
    assert receiving < MiB


def test_what_is_in_a_bucket_tells_what_it_is(gcs_backend: GCSBackend, gcs_bucket: str) -> None:
    model = put(gcs_backend, "versions/a/best_model.hdf5", b"model")
    put(gcs_backend, "versions/a/card.json", b"{}")
    put(gcs_backend, "versions/a/gate/1/report.html", b"<html>")
    gcs_backend.replace_if(STAGE, model, {"why": "ü"}, 0)
    found = {
        blob.name: (blob.content_type, blob.metadata)
        for blob in storage.Client(project="any").list_blobs(gcs_bucket)
    }
    assert found == {
        "models/digits/versions/a/best_model.hdf5": ("application/octet-stream", None),
        "models/digits/versions/a/card.json": ("application/json", None),
        "models/digits/versions/a/gate/1/report.html": ("text/html", None),
        f"models/digits/{STAGE}": ("application/octet-stream", {"why": "ü"}),
    }


@pytest.mark.parametrize("prefix", ["", "/", "models", "/a b/ü/"])
def test_registries_of_one_bucket_are_apart(gcs_bucket: str, prefix: str) -> None:
    own, other = (GCSBackend(gcs_bucket, each, timeout=20) for each in (prefix, "models2"))
    blob = put(own, "versions/a/card.json", b"{}")
    put(other, "versions/b/card.json", b"{}")
    assert list(own.list("versions/")) == [blob]
    assert own.stat("versions/a/card.json") == blob
    assert own.stat("versions/b/card.json") is None
    assert got(own, blob) == b"{}"


@pytest.fixture(scope="module")
def piecemeal() -> Iterator[GCSServer]:
    """A server that does large things in many small steps."""
    server = GCSServer("--rewrite-bytes", str(MiB), "--page-size", "3")
    yield server
    server.stop()


@pytest.fixture
def piecemeal_backend(piecemeal: GCSServer, monkeypatch: pytest.MonkeyPatch) -> GCSBackend:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", piecemeal.url)
    return GCSBackend(piecemeal.make_bucket(), "models", timeout=20)


def test_listing_goes_on_after_the_first_page(piecemeal_backend: GCSBackend) -> None:
    names = [f"production/log/{number:08d}.json" for number in range(10)]
    for name in names:
        put(piecemeal_backend, name, b"")
    assert [blob.name for blob in piecemeal_backend.list("production/log/")] == names


def test_a_rewrite_that_takes_many_calls_is_finished(piecemeal_backend: GCSBackend) -> None:
    content = os.urandom(5 * MiB + 1)
    source = put(piecemeal_backend, "versions/a/best_model.hdf5", content)
    blob = piecemeal_backend.replace_if(STAGE, source, {"sequence": "1"}, 0)
    assert piecemeal_backend.stat(STAGE) == blob
    assert blob.metadata == {"sequence": "1"}
    assert got(piecemeal_backend, blob) == content


# --- faults on the way ---


def do_create(backend: GCSBackend, source: Blob) -> object:
    return put(backend, "versions/b/card.json", b"{}")


def do_create_large(backend: GCSBackend, source: Blob) -> object:
    return put(backend, "versions/b/best_model.hdf5", bytes(LARGE))


def do_replace(backend: GCSBackend, source: Blob) -> object:
    return backend.replace_if(STAGE, source, {"operation": "mine"}, 0)


def do_stat(backend: GCSBackend, source: Blob) -> object:
    found = backend.stat(source.name)
    assert found == source
    return found


def do_list(backend: GCSBackend, source: Blob) -> object:
    found = list(backend.list(""))
    assert found == [source]
    return found


def do_read(backend: GCSBackend, source: Blob) -> object:
    found = got(backend, source)
    assert len(found) == source.size
    return found


Do = Callable[[GCSBackend, Blob], object]
OPERATIONS: dict[Do, str] = {
    do_create: "objects.insert",
    do_create_large: "objects.insert",
    do_replace: "objects.rewrite",
    do_stat: "objects.get",
    do_list: "objects.list",
    do_read: "objects.get",
}


@pytest.mark.usefixtures("all_strike")
@pytest.mark.parametrize("kind", ["429", "503", "reset"])
@pytest.mark.parametrize("do", OPERATIONS)
def test_what_fails_before_it_is_done_is_tried_again(
    gcs_backend: GCSBackend, gcs_server: GCSServer, do: Do, kind: str
) -> None:
    source = put(gcs_backend, "versions/a/best_model.hdf5", os.urandom(MiB))
    gcs_server.fail(operation=OPERATIONS[do], kind=kind, times=2)
    assert do(gcs_backend, source)


@pytest.mark.usefixtures("all_strike")
@pytest.mark.parametrize("kind", ["503", "reset"])
@pytest.mark.parametrize("do", [do_create, do_replace])
def test_a_write_whose_answer_is_lost_finds_itself_in_its_way(
    gcs_backend: GCSBackend, gcs_server: GCSServer, do: Do, kind: str
) -> None:
    source = put(gcs_backend, "versions/a/best_model.hdf5", b"model")
    gcs_server.fail(operation=OPERATIONS[do], kind=kind, when="after")
    with pytest.raises(PreconditionFailed):
        do(gcs_backend, source)
    if do is do_replace:
        mine = gcs_backend.stat(STAGE)
        assert mine
        assert mine.metadata == {"operation": "mine"}
    else:
        assert gcs_backend.stat("versions/b/card.json")


@pytest.mark.usefixtures("all_strike")
@pytest.mark.parametrize("kind", ["503", "reset"])
@pytest.mark.parametrize("skip", range(4))
def test_each_answer_to_a_large_upload_may_be_lost(
    gcs_backend: GCSBackend, gcs_server: GCSServer, skip: int, kind: str
) -> None:
    content = os.urandom(LARGE)
    gcs_server.fail(operation="objects.insert", kind=kind, when="after", skip=skip)
    blob = put(gcs_backend, "versions/a/best_model.hdf5", content)
    assert gcs_backend.stat(blob.name) == blob
    assert got(gcs_backend, blob) == content


@pytest.mark.usefixtures("all_strike")
def test_an_upload_of_which_google_keeps_too_little_fails_whole(
    gcs_backend: GCSBackend, gcs_server: GCSServer
) -> None:
    gcs_server.fail(operation="objects.insert", kind="short", skip=1)
    with pytest.raises(Unreachable, match=r"best_model\.hdf5 was not taken in full"):
        put(gcs_backend, "versions/a/best_model.hdf5", bytes(LARGE))
    assert gcs_backend.stat("versions/a/best_model.hdf5") is None
    assert put(gcs_backend, "versions/a/best_model.hdf5", bytes(LARGE)).size == LARGE


@pytest.mark.usefixtures("all_strike")
def test_a_download_that_is_cut_goes_on_where_it_was(
    gcs_backend: GCSBackend, gcs_server: GCSServer
) -> None:
    content = os.urandom(MiB)
    blob = put(gcs_backend, "versions/a/best_model.hdf5", content)
    gcs_server.fail(operation="objects.get", kind="cut", times=2)
    assert got(gcs_backend, blob) == content


@pytest.mark.usefixtures("all_strike")
@pytest.mark.parametrize("kinds", [["damage"], ["cut", "damage"]])
def test_damage_on_the_way_is_found(
    gcs_backend: GCSBackend, gcs_server: GCSServer, kinds: list[str]
) -> None:
    blob = put(gcs_backend, "versions/a/best_model.hdf5", os.urandom(MiB))
    for kind in kinds:
        gcs_server.fail(operation="objects.get", kind=kind)
    with pytest.raises(Corrupt, match=r"versions/a/best_model\.hdf5 was damaged on the way"):
        got(gcs_backend, blob)


def test_what_is_not_the_size_that_was_looked_up_is_found(gcs_backend: GCSBackend) -> None:
    blob = put(gcs_backend, "versions/a/best_model.hdf5", b"model")
    with pytest.raises(Corrupt, match="got 5 bytes of 6"):
        got(gcs_backend, Blob(blob.name, blob.generation, 6))


def test_a_full_disk_is_no_fault_of_the_registry(gcs_backend: GCSBackend) -> None:
    blob = put(gcs_backend, "versions/a/best_model.hdf5", os.urandom(MiB))
    with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb") as full:
        gcs_backend.read(blob, full)


def test_the_library_starts_no_threads_of_its_own(
    gcs_backend: GCSBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    source = put(gcs_backend, "versions/a/best_model.hdf5", b"model")
    blob = gcs_backend.replace_if(STAGE, source, {}, 0)
    assert got(gcs_backend, blob) == b"model"
    assert gcs_backend.stat("missing") is None
    assert len(list(gcs_backend.list(""))) == 2
    assert gcs_backend.diagnose()
    assert not started


# --- who, where and what may be done ---


def test_nothing_is_wrong_with_an_open_bucket(gcs_backend: GCSBackend, gcs_bucket: str) -> None:
    found = gcs_backend.diagnose()
    assert found.identity == "anonymous"
    assert found.location == f"gs://{gcs_bucket}/models/digits/"
    assert len(found.permissions) == 5
    assert all(found.permissions.values())
    assert found.problems == ()


def test_what_is_not_permitted_is_told_with_its_remedy(
    gcs_backend: GCSBackend, gcs_server: GCSServer, gcs_bucket: str
) -> None:
    for name in ("production/best_model.hdf5", "production/log/00000001.json"):
        put(gcs_backend, name, b"content")
    gcs_server.grant(gcs_bucket, "roles/storage.objectViewer")
    found = gcs_backend.diagnose("gate")
    assert found.permissions == {
        "storage.objects.get": True,
        "storage.objects.list": True,
        "storage.buckets.get": False,
        "storage.objects.create for versions/*/gate/": None,
        "storage.objects.create for production/best_model.hdf5": False,
        "storage.objects.delete for production/best_model.hdf5": False,
        "storage.objects.create for production/log/": False,
    }
    create, delete, log = found.problems
    assert create == (
        f"anonymous lacks storage.objects.create for gs://{gcs_bucket}/models/digits/production/"
        "best_model.hdf5, needed for publishing, gating and promoting: grant it "
        "roles/storage.objectUser"
    )
    assert "storage.objects.delete" in delete
    assert "production/log/" in log
    assert gcs_backend.diagnose("service").problems == ()


def test_who_may_not_list_is_told_so_on_the_bucket(
    gcs_backend: GCSBackend, gcs_server: GCSServer, gcs_bucket: str
) -> None:
    gcs_server.grant(gcs_bucket, "roles/storage.objectCreator")
    found = gcs_backend.diagnose()
    assert found.permissions["storage.objects.list"] is False
    assert found.permissions["storage.objects.get"] is None
    [problem] = found.problems
    assert "lacks storage.objects.list for gs://" in problem


def test_what_depends_on_names_is_not_known_of_the_bucket(
    gcs_backend: GCSBackend, gcs_server: GCSServer, gcs_bucket: str
) -> None:
    gcs_server.grant(gcs_bucket, "roles/storage.objectViewer")
    found = gcs_backend.diagnose()
    assert found.permissions["storage.objects.create"] is None
    assert found.problems == ()
    assert "--role" in found.note


def test_no_stage_needs_more_than_objects(
    gcs_backend: GCSBackend, gcs_server: GCSServer, gcs_bucket: str
) -> None:
    gcs_server.grant(gcs_bucket, "roles/storage.objectUser")
    found = gcs_backend.diagnose()
    assert not found.permissions["storage.buckets.get"]
    assert found.problems == ()


@pytest.mark.usefixtures("all_strike")
@pytest.mark.parametrize("status", ["404", "405", "501"])
def test_a_server_that_knows_no_permissions_tells_nothing_of_them(
    gcs_backend: GCSBackend, gcs_server: GCSServer, status: str
) -> None:
    gcs_server.fail(operation="buckets.testIamPermissions", kind=status)
    found = gcs_backend.diagnose()
    assert set(found.permissions.values()) == {None}
    assert found.problems == ()


@pytest.mark.usefixtures("all_strike")
@pytest.mark.parametrize("status", ["400", "403", "404", "405", "501"])
def test_a_server_that_tells_nothing_of_objects_is_believed_about_the_bucket(
    gcs_backend: GCSBackend, gcs_server: GCSServer, gcs_bucket: str, status: str
) -> None:
    put(gcs_backend, "testing/best_model.hdf5", b"content")
    gcs_server.fail(operation="objects.testIamPermissions", kind=status, times=2)
    assert all(gcs_backend.diagnose("training").permissions.values())
    gcs_server.grant(gcs_bucket, "roles/storage.objectViewer")
    found = gcs_backend.diagnose("training")
    assert found.permissions["storage.objects.delete for testing/best_model.hdf5"] is None
    assert found.problems == ()
    assert "the first write will" in found.note


def test_a_retention_policy_is_told(
    gcs_server: GCSServer, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = gcs_server.make_bucket(retentionPolicy={"retentionPeriod": "60"})
    [problem] = GCSBackend(bucket, "", timeout=20).diagnose().problems
    assert f"gs://{bucket} has a retention policy" in problem

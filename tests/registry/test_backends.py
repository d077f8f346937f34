"""What the seam promises, on every back end."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from registry.backend import Backend, Blob
from registry.errors import NotFound, PreconditionFailed

NAME = "production/best_model.hdf5"


def content(backend: Backend, blob: Blob) -> bytes:
    target = io.BytesIO()
    backend.read(blob, target)
    return target.getvalue()


def put(backend: Backend, name: str, data: bytes) -> Blob:
    return backend.create(name, io.BytesIO(data))


def test_an_empty_registry_holds_nothing(backend: Backend) -> None:
    assert backend.stat("versions/a/card.json") is None
    assert list(backend.list("")) == []
    assert list(backend.list("versions/")) == []


def test_a_created_object_reads_back(backend: Backend) -> None:
    blob = put(backend, "versions/a/card.json", b"{}")
    assert backend.stat("versions/a/card.json") == blob
    assert (blob.size, dict(blob.metadata)) == (2, {})
    assert blob.generation > 0
    assert content(backend, blob) == b"{}"


def test_an_empty_object_is_an_object(backend: Backend) -> None:
    assert content(backend, put(backend, "versions/a/empty", b"")) == b""


def test_an_object_is_created_only_once(backend: Backend) -> None:
    blob = put(backend, "versions/a/card.json", b"first")
    with pytest.raises(PreconditionFailed):
        put(backend, "versions/a/card.json", b"second")
    assert backend.stat("versions/a/card.json") == blob
    assert content(backend, blob) == b"first"


def test_of_many_creators_one_wins_and_its_bytes_are_whole(backend: Backend) -> None:
    contents = [bytes([number]) * 100_000 for number in range(8)]
    barrier = threading.Barrier(len(contents))

    def create(data: bytes) -> Blob | None:
        barrier.wait()
        try:
            return put(backend, "versions/a/best_model.hdf5", data)
        except PreconditionFailed:
            return None

    with ThreadPoolExecutor(len(contents)) as pool:
        blobs = list(pool.map(create, contents))
    [(winner, data)] = [pair for pair in zip(blobs, contents, strict=True) if pair[0]]
    assert winner == backend.stat("versions/a/best_model.hdf5")
    assert content(backend, winner) == data


def test_replacing_is_conditional_on_absence_at_first(backend: Backend) -> None:
    source = put(backend, "versions/a/best_model.hdf5", b"model")
    with pytest.raises(PreconditionFailed):
        backend.replace_if(NAME, source, {}, generation=source.generation)
    assert backend.stat(NAME) is None
    blob = backend.replace_if(NAME, source, {"why": "ü ☂ \n"}, generation=0)
    assert backend.stat(NAME) == blob
    assert (blob.size, dict(blob.metadata)) == (5, {"why": "ü ☂ \n"})
    assert content(backend, blob) == b"model"
    with pytest.raises(PreconditionFailed):
        backend.replace_if(NAME, source, {}, generation=0)


def test_replacing_switches_bytes_and_metadata_and_only_once(backend: Backend) -> None:
    one = put(backend, "versions/a/best_model.hdf5", b"one")
    two = put(backend, "versions/b/best_model.hdf5", b"two!")
    first = backend.replace_if(NAME, one, {"sequence": "1", "old": ""}, generation=0)
    second = backend.replace_if(NAME, two, {"sequence": "2"}, generation=first.generation)
    assert second.generation > first.generation
    assert backend.stat(NAME) == second
    assert dict(second.metadata) == {"sequence": "2"}
    assert content(backend, second) == b"two!"
    with pytest.raises(PreconditionFailed):
        backend.replace_if(NAME, one, {"sequence": "2"}, generation=first.generation)


def test_an_old_generation_cannot_be_read_for_the_new_one(backend: Backend) -> None:
    one = put(backend, "versions/a/best_model.hdf5", b"one")
    two = put(backend, "versions/b/best_model.hdf5", b"two")
    first = backend.replace_if(NAME, one, {}, generation=0)
    backend.replace_if(NAME, two, {}, generation=first.generation)
    with pytest.raises(NotFound):
        content(backend, first)


def test_replacing_with_content_that_is_gone_changes_nothing(backend: Backend) -> None:
    source = put(backend, "versions/a/best_model.hdf5", b"one")
    for gone in (
        Blob(source.name, source.generation + 1, source.size),
        Blob("versions/b/best_model.hdf5", 1, 1),
    ):
        with pytest.raises(NotFound):
            backend.replace_if(NAME, gone, {}, generation=0)
    assert backend.stat(NAME) is None


def test_objects_are_listed_by_name_below_a_prefix(backend: Backend) -> None:
    names = ["versions/a/card.json", "versions/a/gate/1/verdict.json", "versions/a-b/card.json"]
    for name in (*reversed(names), "versions2/c"):
        put(backend, name, b"")
    source = put(backend, "testing/log/00000001.json", b"")
    backend.replace_if("testing/best_model.hdf5", source, {"a": "b"}, generation=0)
    assert [blob.name for blob in backend.list("versions/")] == sorted(names)
    assert [blob.name for blob in backend.list("versions/a/g")] == [names[1]]
    assert [blob.name for blob in backend.list("testing/")] == [
        "testing/best_model.hdf5",
        "testing/log/00000001.json",
    ]
    assert backend.stat("testing") is None


def test_of_many_replacements_of_one_generation_one_wins(backend: Backend) -> None:
    source = put(backend, "versions/a/best_model.hdf5", b"x" * 100_000)
    generation = 0
    for _ in range(5):
        barrier = threading.Barrier(6)

        def replace(
            who: str, generation: int = generation, barrier: threading.Barrier = barrier
        ) -> Blob | None:
            barrier.wait()
            try:
                return backend.replace_if(NAME, source, {"who": who}, generation)
            except PreconditionFailed:
                return None

        with ThreadPoolExecutor(6) as pool:
            blobs = list(pool.map(replace, "abcdef"))
        [winner] = [blob for blob in blobs if blob]
        assert backend.stat(NAME) == winner
        generation = winner.generation


def test_a_reader_never_sees_bytes_of_one_and_metadata_of_another(backend: Backend) -> None:
    sources = [put(backend, f"versions/{each}/m", each.encode() * 50_000) for each in "ab"]
    state = backend.replace_if(NAME, sources[0], {"is": "a"}, generation=0)
    done = threading.Event()

    def switch() -> None:
        nonlocal state
        for turn in range(40):
            new = (turn + 1) % 2
            state = backend.replace_if(NAME, sources[new], {"is": "ab"[new]}, state.generation)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(switch)
        while not done.is_set() and not writer.done():
            blob = backend.stat(NAME)
            assert blob is not None
            try:
                assert content(backend, blob) == blob.metadata["is"].encode() * 50_000
            except NotFound:
                continue  # replaced between the two calls
        writer.result()


def test_it_says_who_it_is_and_where(backend: Backend) -> None:
    found = backend.diagnose()
    assert found.identity
    assert found.location
    assert not found.problems

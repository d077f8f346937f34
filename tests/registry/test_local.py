"""A registry in a folder: what lies where, and what people and disks do to it."""

import errno
import io
import os
import pwd
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from registry import disk
from registry.backend import Blob
from registry.errors import Corrupt, NotFound, PreconditionFailed, Unchanged, Unreachable
from registry.local import LocalBackend
from registry.record import Damaged
from registry.store import Registry
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, approved, promoted

Samples = Callable[[int], list[Sample]]
NAME = "production/best_model.hdf5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def local(folder: Path) -> LocalBackend:
    return LocalBackend(folder)


@pytest.fixture
def registry(local: LocalBackend) -> Registry:
    return Registry(local, "tester@host")


@pytest.fixture
def in_production(registry: Registry, samples: Samples) -> list[Sample]:
    """Two samples that were promoted one after the other."""
    models = samples(2)
    for one in models:
        version = approved(registry, one)
        registry.promote(version, registry.current("production"), "better")
    return models


def put(local: LocalBackend, name: str, content: bytes) -> Blob:
    return local.create(name, io.BytesIO(content))


def test_other_programs_find_plain_files(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    one, two = in_production
    assert (folder / NAME).read_bytes() == two.content
    assert (folder / "versions" / one.version / "best_model.hdf5").read_bytes() == one.content
    assert (folder / "production/log/00000002.json").exists()
    assert not (folder / NAME).readlink().is_absolute()
    moved = folder.rename(folder.with_name("moved"))
    assert Registry(LocalBackend(moved), "").verify() == []


def test_reading_makes_no_folder_and_the_first_write_does(folder: Path, samples: Samples) -> None:
    [one] = samples(1)
    deep = folder / "a" / "b"
    registry = Registry(LocalBackend(deep), "")
    assert registry.current("production") is None
    assert registry.versions() == []
    assert registry.verify() == []
    assert registry.doctor().problems == ()
    assert not folder.exists()
    registry.publish(one.path, one.card, "first")
    assert registry.versions() == [one.version]


def test_a_closed_folder_above_is_told_and_not_taken_for_an_empty_registry(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    closed = folder.parent
    mode = closed.stat().st_mode
    closed.chmod(0)
    try:
        problems = as_nobody(lambda: "\n".join(registry.doctor().problems))
        told = [as_nobody(reading) for reading in (registry.verify, registry.versions)]
    finally:
        closed.chmod(mode)
    assert f"may not read versions/ in {folder}" in problems
    for each in told:
        assert re.match("Forbidden: user .* has no permission for", each)


def as_nobody(call: Callable[[], object]) -> str:
    """What a call answers or raises in a process whose user is not root."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.geteuid() == 0:
                os.setuid(pwd.getpwnam("nobody").pw_uid)
            answer = str(call())
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        answer = answers.read()
    os.waitpid(child, 0)
    return answer


def test_a_relative_folder_is_meant_from_where_the_process_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    local = LocalBackend(Path("registry"))
    monkeypatch.chdir("/")
    put(local, "versions/a", b"")
    assert (tmp_path / "registry/versions/a").exists()


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", ".hidden", "a/.b", "a\0b"]
)
def test_a_name_stays_inside(local: LocalBackend, folder: Path, name: str) -> None:
    for use in (local.stat, lambda each: put(local, each, b"")):
        with pytest.raises(ValueError, match="no name of an object"):
            use(name)
    assert not folder.exists()


def test_objects_are_read_only_files_and_keep_to_the_umask(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 8
    for path in files:
        assert path.stat().st_mode & 0o222 == 0


def test_only_the_current_generation_is_kept(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    hidden = folder / "production/.best_model.hdf5"
    (hidden / "123").mkdir()
    (hidden / "123/best_model.hdf5").write_bytes(b"left by a killed writer")
    (folder / "production/.best_model.hdf5.link").symlink_to("nowhere")
    registry.rollback("bad")
    [generation] = hidden.iterdir()
    assert (folder / NAME).resolve().parent == generation
    assert not (folder / "production/.best_model.hdf5.link").is_symlink()


# --- what people do by hand ---


def test_a_file_copied_over_production_is_refused_and_spares_the_versions(
    folder: Path, registry: Registry, in_production: list[Sample], tmp_path: Path
) -> None:
    _, two = in_production
    path = folder / NAME
    path.chmod(0o644)
    path.write_bytes(b"bad")  # as cp does: through the link, into the file
    state = registry.current("production")
    assert state
    with pytest.raises(Corrupt, match="production"):
        registry.fetch(state, tmp_path / "fetched")
    assert registry.fetch(two.version, tmp_path / "fetched").read_bytes() == two.content
    assert any(NAME in problem for problem in registry.verify())
    registry.rollback("repair", to=two.version)
    assert path.read_bytes() == two.content
    assert registry.verify() == []


def place_file(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"by hand")


def place_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def place_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(".best_model.hdf5/77/best_model.hdf5")


def remove_generation(path: Path) -> None:
    shutil.rmtree(path.resolve().parent)


def remove_metadata(path: Path) -> None:
    (path.resolve().parent / "metadata.json").unlink()


def empty_metadata(path: Path) -> None:
    replace_metadata(path, "")


def list_as_metadata(path: Path) -> None:
    replace_metadata(path, "[1]")


def deep_metadata(path: Path) -> None:
    replace_metadata(path, "[" * 200_000)


def replace_metadata(path: Path, text: str) -> None:
    metadata = path.resolve().parent / "metadata.json"
    metadata.unlink()
    metadata.write_text(text)


@pytest.mark.parametrize(
    "tamper",
    [
        place_file,
        place_link,
        place_dangling_link,
        remove_generation,
        remove_metadata,
        empty_metadata,
        list_as_metadata,
        deep_metadata,
    ],
)
def test_what_a_person_puts_into_production_has_no_record_and_can_be_replaced(
    folder: Path,
    registry: Registry,
    in_production: list[Sample],
    tamper: Callable[[Path], None],
) -> None:
    _, two = in_production
    tamper(folder / NAME)
    with pytest.raises(Corrupt, match="no valid record"):
        registry.current("production")
    assert any(NAME in problem for problem in registry.verify())
    state = registry.rollback("repair")
    assert state.record.version == two.version
    assert (folder / NAME).read_bytes() == two.content
    assert registry.verify() == []


def test_an_emptied_production_is_said_and_can_be_rolled_back_or_promoted_into(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    one, two = in_production
    (folder / NAME).unlink()
    assert registry.current("production") is None
    assert any(f"{NAME} is gone" in problem for problem in registry.verify())
    assert registry.rollback("repair").record.version == two.version
    (folder / NAME).unlink()
    state = registry.promote(one.version, None, "repair")
    assert (state.record.sequence, state.record.previous) == (4, two.version)
    assert registry.verify() == []


@pytest.mark.parametrize("signed", [True, False])
def test_a_model_put_by_hand_into_production_before_any_promotion_can_be_replaced(
    folder: Path, samples: Samples, signed: bool
) -> None:
    [one] = samples(1)
    registry = Registry(LocalBackend(folder), "ann@desk", trust=trust() if signed else None)
    registry.publish(one.path, one.card, "new")
    (folder / NAME).parent.mkdir()
    (folder / NAME).write_bytes(one.content)
    found = registry.inspect("production")
    assert isinstance(found, Damaged)
    assert "promote VERSION --why WHY` (--force" in str(found.error)
    with pytest.raises(NotFound, match="promote one"):
        registry.rollback("repair")
    state = registry.promote(one.version, found, "repair", force=True)
    assert registry.current("production") == state
    assert registry.verify() == []


def test_an_edited_record_differs_from_the_log(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    metadata = (folder / NAME).resolve().parent / "metadata.json"
    text = metadata.read_text()
    metadata.unlink()
    metadata.write_text(text.replace("tester@host", "nobody@nowhere"))
    assert any("differs from production/log/00000002.json" in each for each in registry.verify())


def edit(entry: Path, old: str, new: str) -> None:
    text = entry.read_text()
    entry.unlink()
    entry.write_text(text.replace(old, new))


def test_an_edited_log_stops_the_next_promotion_but_no_rollback(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    one, two = in_production
    edit(folder / "production/log/00000002.json", "better", "worse")
    with pytest.raises(Corrupt, match=r"production/log/00000002\.json"):
        registry.promote(one.version, registry.current("production"), "back")
    assert registry.rollback("bad").record.version == one.version
    state = registry.promote(two.version, registry.current("production"), "not that bad")
    assert (state.record.sequence, state.record.previous) == (4, one.version)


def test_damaged_log_entries_are_named_and_leave_the_others_to_roll_back_to(
    folder: Path, registry: Registry, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    one, two, three = samples(3)
    for each in (one, two, three):
        promoted(registry, each)
    damaged = [f"production/log/0000000{sequence}.json" for sequence in (1, 3)]
    for name in damaged:
        edit(folder / name, "{", "")
    assert [record.sequence for record in registry.history("production")] == [3, 2]
    for name in damaged:
        assert f"not taken into account: {name}" in caplog.text
        assert any(f"{name} is not a valid StageRecord" in each for each in registry.verify())
    with pytest.raises(NotFound, match="as far as the log can be read"):
        registry.rollback("far", to=one.version)
    assert registry.rollback("bad", to=two.version).record.version == two.version
    assert promoted(registry, three).record.sequence == 5
    assert registry.rollback("bad again").record.version == two.version


def test_a_missing_log_entry_is_said(
    folder: Path, registry: Registry, in_production: list[Sample]
) -> None:
    (folder / "production/log/00000001.json").unlink()
    assert registry.verify() == ["production/log/00000001.json is missing"]


def test_a_clock_that_goes_back_does_not_take_generations_back(
    local: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(local, "versions/a/best_model.hdf5", b"one")
    first = local.replace_if(NAME, source, {}, 0)
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    second = local.replace_if(NAME, source, {}, first.generation)
    assert second.generation == first.generation + 1
    assert local.stat(NAME) == second


def test_a_replaced_file_is_another_generation(local: LocalBackend, folder: Path) -> None:
    blob = put(local, "versions/a/card.json", b"{}")
    path = folder / "versions/a/card.json"
    path.unlink()
    path.write_bytes(b"[]")
    with pytest.raises(NotFound):
        local.read(blob, io.BytesIO())
    path.unlink()
    with pytest.raises(NotFound):
        local.read(blob, io.BytesIO())


# --- what disks and other processes do ---


def test_a_killed_creation_leaves_nothing_in_the_way(local: LocalBackend, folder: Path) -> None:
    part = folder / "versions/a/.card.json.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    assert [blob.name for blob in local.list("")] == []
    put(local, "versions/a/card.json", b"whole")
    os.link(folder / "versions/a/card.json", part)  # killed between naming and tidying up
    with pytest.raises(PreconditionFailed):
        put(local, "versions/a/card.json", b"other")
    assert (folder / "versions/a/card.json").read_bytes() == b"whole"
    assert not part.exists()


class Failing(io.BytesIO):
    """A source that fails as a full disk does, after some bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(28, "No space left on device")
        return super().read(10)


def test_a_full_disk_leaves_nothing_behind(local: LocalBackend, folder: Path) -> None:
    with pytest.raises(Unreachable, match="No space left on device"):
        local.create("versions/a/best_model.hdf5", Failing(b"x" * 100))
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_full_disk_leaves_the_old_generation_in_place(
    local: LocalBackend, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(local, "versions/a/best_model.hdf5", b"one")
    blob = local.replace_if(NAME, source, {"a": "b"}, 0)

    def fail(path: Path, content: object) -> int:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(disk, "write", fail)
        with pytest.raises(Unchanged, match="No space left on device"):
            local.replace_if(NAME, source, {}, blob.generation)
    assert local.stat(NAME) == blob
    assert len(list((folder / "production/.best_model.hdf5").iterdir())) == 1


def test_a_full_disk_is_a_failure_and_not_an_unknown_outcome(
    registry: Registry, in_production: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = registry.current("production")
    calls = []

    def fail(path: Path, content: object) -> int:
        calls.append(path)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as full:
        full.setattr(disk, "write", fail)
        with pytest.raises(Unchanged, match="No space left on device"):
            registry.rollback("bad")
    assert len(calls) == 1
    assert registry.current("production") == state


def test_a_disk_that_killed_writers_have_filled_is_freed_before_it_is_written_to(
    folder: Path,
    registry: Registry,
    in_production: list[Sample],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = folder / "production/.best_model.hdf5/123"
    left.mkdir()
    (left / "best_model.hdf5").write_bytes(b"as much as there is room for")
    write = disk.write

    def write_if_there_is_room(path: Path, content: BinaryIO) -> int:
        if left.exists():
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(disk, "write", write_if_there_is_room)
    assert registry.rollback("bad").record.sequence == 3


def test_a_lock_that_is_never_released_is_explained(folder: Path) -> None:
    impatient = LocalBackend(folder, timeout=0)
    put(impatient, "production/a", b"")
    with (
        disk.locked(folder / "production", timeout=0),
        pytest.raises(Unreachable, match="another process has held the lock"),
    ):
        put(impatient, "production/b", b"")
    put(impatient, "production/b", b"")


def test_a_lock_is_waited_for(local: LocalBackend, folder: Path) -> None:
    put(local, "production/a", b"")
    waiter = threading.Thread(target=put, args=(local, "production/b", b""))
    with disk.locked(folder / "production", timeout=0):
        waiter.start()
        assert local.stat("production/b") is None
    waiter.join()
    assert local.stat("production/b")


def test_a_name_is_given_to_what_is_on_the_disk_and_then_kept_there(
    folder: Path, registry: Registry, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, Path]] = []
    link, replace = os.link, Path.replace

    def sync(descriptor: int) -> None:
        steps.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))

    def noted_link(part: Path, path: Path) -> None:
        assert ("sync", part) in steps
        link(part, path)
        steps.append(("name", path))

    def noted_replace(self: Path, path: Path) -> Path:
        if path.is_relative_to(folder):
            new = (path.parent / self.readlink()).parent
            files = [new / "best_model.hdf5", new / "metadata.json"]
            for each in (*files, new, new.parent):
                assert ("sync", each) in steps
            steps.append(("name", path))
        return replace(self, path)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", noted_link)
    monkeypatch.setattr(Path, "replace", noted_replace)
    for one in samples(2):
        registry.promote(approved(registry, one), registry.current("production"), "better")
    named = [(number, path) for number, (what, path) in enumerate(steps) if what == "name"]
    assert len(named) == 2 * (4 + 4)  # model, card, report, verdict; two stages, two log entries
    for number, path in named:
        assert steps[number + 1] == ("sync", path.parent)
        for above in path.parents:
            assert ("sync", above) in steps
            if above == folder.parent:
                break

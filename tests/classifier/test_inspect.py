"""Hostile files are refused for the reason that they were made for, by a process with limits."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from classifier.errors import HostileModel, UnreadableModel
from classifier.inspect import ROOT, inspect, inspected
from tests.classifier.hostile import containers, crashes, graphs, layers
from tests.classifier.hostile.hostile import KERNEL, Hostile, edited

HOSTILE = [*containers.hostile, *layers.hostile, *graphs.hostile, *crashes.hostile]

MOST_MEMORY = 50 << 20  # bytes by which this process may grow


@pytest.fixture
def copy(genuine: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the genuine file, to be edited; some edits make it very large."""
    path = Path(shutil.copy(genuine, tmp_path))
    yield path
    path.unlink(missing_ok=True)


def test_there_are_enough_hostile_files() -> None:
    assert len({case.name for case in HOSTILE}) == len(HOSTILE) > 200


@pytest.mark.parametrize("case", HOSTILE, ids=[case.name for case in HOSTILE])
def test_a_hostile_file_is_refused(copy: Path, case: Hostile) -> None:
    case.make(copy)
    with pytest.raises(HostileModel, match=case.reason) as caught:
        inspect(copy)
    sentence = str(caught.value)
    assert sentence.startswith(f"{copy} ")
    assert sentence.isprintable()
    assert len(sentence) < 500


def test_this_process_does_not_grow_with_what_it_inspects(copy: Path) -> None:
    layers.configuration_of_a_hundred_megabytes(copy)
    before = memory()
    for _ in range(3):
        with pytest.raises(HostileModel):
            inspect(copy)
    assert memory() - before < MOST_MEMORY


def memory() -> int:
    """The memory that this process has in use, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_a_weight_that_does_not_fit_into_memory_is_refused(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        del file[KERNEL]
        wide = file.create_dataset(KERNEL, (1, 260_000_000), "f4")
        wide[0, 0] = 1  # the rest is a hole in the file
    with pytest.raises(HostileModel, match="more memory than its inspection may have"):
        inspect(copy)


def test_an_edit_that_changes_nothing_passes(copy: Path) -> None:
    with edited(copy):
        pass
    inspect(copy)


def test_an_edit_of_what_training_may_choose_passes(copy: Path) -> None:
    with edited(copy) as config:
        config["config"]["name"] = "another"
    with h5py.File(copy, "r+") as file:
        file[KERNEL][...] = np.float32(1e6)
    inspect(copy)


# what is loaded is what was inspected


def test_the_copy_is_the_file_and_nobody_elses(genuine: Path) -> None:
    with inspected(genuine) as copy:
        assert copy.read_bytes() == genuine.read_bytes()
        assert copy.stat().st_mode & 0o077 == 0
        assert copy.suffix == ".hdf5"
    assert not copy.exists()


def test_a_change_after_the_inspection_is_not_loaded(copy: Path) -> None:
    whole = copy.read_bytes()
    with inspected(copy) as inspected_copy:
        copy.write_bytes(b"evil")
        assert inspected_copy.read_bytes() == whole


def test_a_refused_file_leaves_no_copy(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy.with_name("temporary")
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    copy.write_bytes(b"evil")
    with pytest.raises(HostileModel), inspected(copy):
        pass
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_take_the_copy_is_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    with pytest.raises(UnreadableModel, match="/proc/nowhere"), inspected(copy):
        pass


# what is no file


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match=r"none\.hdf5 cannot be read: No such file"):
        inspect(tmp_path / "none.hdf5")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.hdf5")
    with pytest.raises(UnreadableModel, match="is not a file"):
        inspect(tmp_path / "pipe.hdf5")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match="cannot be read: Is a directory"):
        inspect(tmp_path)


# the process


def test_nothing_of_the_environment_reaches_the_process(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("h5py", "numpy", "sitecustomize", "json", "classifier"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('evil')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.setenv("HDF5_PLUGIN_PATH", str(tmp_path))
    monkeypatch.setenv("HDF5_DRIVER", "evil")
    inspect(copy)


def test_an_interpreter_that_does_not_start_is_no_verdict(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(UnreadableModel, match="could not be inspected: No such file"):
        inspect(copy)


def test_an_interpreter_that_fails_is_no_verdict(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(UnreadableModel, match="could not be inspected: exit code 1"):
        inspect(copy)


def test_an_interpreter_that_never_ends_is_ended(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "python"
    endless.write_text("#!/bin/sh\nwhile :; do :; done\n")
    endless.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(endless))
    monkeypatch.setattr("classifier.inspect.PATIENCE", 0.1)
    with pytest.raises(HostileModel, match="its reader ended with SIGKILL"):
        inspect(copy)


def test_success_without_a_verdict_is_no_verdict(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(UnreadableModel, match="could not be inspected: exit code 0"):
        inspect(copy)


ATTEMPTS = {
    "open": "open('/etc/passwd')",
    "import": "import telnetlib",
    "compile": "compile('1', '', 'eval')",
    "os.system": "os.system('true')",
    "socket.__new__": "socket.socket()",
    "ctypes.dlopen": "ctypes.CDLL(None)",
    "subprocess.Popen": "subprocess.Popen(['true'])",
}


@pytest.mark.parametrize(("event", "attempt"), ATTEMPTS.items(), ids=list(ATTEMPTS))
def test_an_examination_may_only_compute(event: str, attempt: str) -> None:
    ended = limited(f"import ctypes, socket, subprocess\nchild.limit_examination()\n{attempt}")
    assert ended.returncode == 1
    assert f"Forbidden: {event} in the course of an examination" in ended.stderr


# What C code could do without a word to Python.
KERNELS = {
    "a file more": "os.open('/etc/passwd', os.O_RDONLY)",
    "a longer file": "os.write(file, b'x')",
    "a gigabyte": "bytearray(1 << 30)",
    "time without end": "while True: pass",
}


@pytest.mark.parametrize("attempt", KERNELS.values(), ids=list(KERNELS))
def test_the_kernel_allows_no_more_than_the_limits(tmp_path: Path, attempt: str) -> None:
    ended = limited(
        f"file = os.open({str(tmp_path / 'file')!r}, os.O_CREAT | os.O_WRONLY)\n"
        "sys.addaudithook = lambda hook: None\n"
        "child.limit_examination()\n"
        f"{attempt}"
    )
    assert ended.returncode != 0


def limited(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process that has the limits of an examination."""
    start = f"import os, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    start += "from classifier.inspection import child\nchild.limit_process()\n"
    return subprocess.run(
        [sys.executable, "-I", "-c", start + script], capture_output=True, text=True, check=False
    )

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import processes
from benchmarks.errors import PortTaken
from benchmarks.processes import Tree, adopting_orphans, require_free

# A server with a child in a session of its own, which outlives it and hears no SIGTERM.
STRAY = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
SERVER = f"""
import os, subprocess, sys, time
command = [sys.executable, "-c", {STRAY!r}]
child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
child.stdout.readline()
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def orphans() -> Iterator[None]:
    with adopting_orphans():
        yield


def start(folder: Path, code: str) -> Tree:
    return Tree([sys.executable, "-c", code], os.environ, folder, folder / "log")


def wait_for_log(folder: Path) -> list[int]:
    while not (folder / "log").read_text().endswith("\n"):
        os.sched_yield()
    return [int(word) for word in (folder / "log").read_text().split()]


def test_a_child_that_hides_is_found_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_WITHIN", 0.5)
    with start(tmp_path, SERVER) as tree:
        pids = wait_for_log(tmp_path)
        assert tree.members() == set(pids)
        assert tree.memory() > 0
    assert tree.strays == 1
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_orphan_is_found_when_its_parent_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_WITHIN", 0.5)
    with start(tmp_path, SERVER) as tree:
        parent, orphan = wait_for_log(tmp_path)
        os.kill(parent, signal.SIGKILL)
        while tree.exit_code is None:
            os.sched_yield()
        assert tree.members() == {orphan}
    assert tree.members() == set()


def test_children_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with start(tmp_path / "other", SERVER) as other:
        pids = wait_for_log(tmp_path / "other")
        with start(tmp_path, "import time; time.sleep(600)") as tree:
            assert len(tree.members()) == 1
        assert tree.strays == 0
        assert other.members() == set(pids)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


def test_a_server_that_ends_by_itself_leaves_its_exit_code(tmp_path: Path) -> None:
    with start(tmp_path, "raise SystemExit(3)") as tree:
        while tree.exit_code is None:
            os.sched_yield()
    assert (tree.exit_code, tree.strays) == (3, 0)


def test_a_port_is_taken_while_somebody_listens() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match="BENCH_PORT"):
            require_free(port)
    require_free(port)

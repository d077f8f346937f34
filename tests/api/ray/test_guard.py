"""What a cluster leaves behind ends with the process that started it, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.ray import guard

WITHIN = 60.0

# A process that starts a guard, and then a child that outlives it in a session of its own.
STARTER = """
import os, subprocess, sys, time
guard, folder = sys.argv[1:]
ended = subprocess.Popen([sys.executable, "-P", guard, folder], stdin=subprocess.PIPE)
os.environ["ITS_FOLDER"] = folder
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_and_files_are_gone_whatever_ended_their_starter(
    tmp_path: Path, by: signal.Signals
) -> None:
    folder = tmp_path / "cluster"
    (folder / "session").mkdir(parents=True)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, guard.__file__, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert starter.stdout
    with starter.stdout:
        child = int(starter.stdout.readline())
    deadline = time.monotonic() + WITHIN
    while child not in list(guard.members(str(folder))):  # it is becoming `sleep`
        assert time.monotonic() < deadline
    starter.send_signal(by)
    starter.wait()
    while folder.exists() or child in list(guard.members(str(folder))):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_processes_whose_environment_ray_has_overwritten_are_known_by_their_logs(
    tmp_path: Path,
) -> None:
    """The agents of a cluster, in one start of five."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    command = [sys.executable, "-P", guard.__file__, str(folder)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE) as ended,
        subprocess.Popen(["ray::Agent", "1000"], executable="sleep", stdout=log, env={}) as agent,
        subprocess.Popen(["sleep", "1000"], stdout=log, env={}) as other,
    ):
        assert list(guard.members(str(folder))) == [agent.pid]
        ended.communicate()
        assert agent.wait(WITHIN) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
    assert not folder.exists()


def test_a_process_that_does_not_name_the_folder_is_left_alone(tmp_path: Path) -> None:
    assert list(guard.members(str(tmp_path / "cluster"))) == []
    assert os.getpid() not in list(guard.members(str(tmp_path)))

"""The service on this machine: which one is started, ended, and put back."""

import os
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.jenkins.conftest import BEFORE, CANDIDATE, Jenkins, end_service
from tests.ports import free_port


@pytest.fixture
def machine(jenkins: Jenkins) -> Iterator[Jenkins]:
    """A machine on which the version before was delivered; the service is a stub that sleeps."""
    jenkins.machine["SERVE_PORT"] = str(free_port())
    os.mkfifo(jenkins.folder / "started")
    (jenkins.folder / "production").write_text("")
    deliver(jenkins, BEFORE)
    (jenkins.folder / "production").write_text(f"{BEFORE}\n")
    yield jenkins
    end_service(jenkins.folder / "by hand" / "service" / "pid")


def deliver(jenkins: Jenkins, version: str) -> None:
    """Gate, promote and roll out a version."""
    (jenkins.folder / "testing").write_text(f"{version}\n")
    for stage in ("gate", "promote", "rollout"):
        done = jenkins.stage(stage)
        assert done.returncode == 0, done.stderr


def served(jenkins: Jenkins) -> str:
    """What the service was last started with."""
    return (jenkins.folder / "served").read_text()


def test_a_roll_out_that_is_repeated_is_undone_to_what_was_before_the_first(
    machine: Jenkins,
) -> None:
    deliver(machine, CANDIDATE)
    machine.stage("rollout")
    assert f"MODEL_VERSION={CANDIDATE}\n" in served(machine)

    assert machine.stage("rollback").returncode == 0
    assert f"MODEL_VERSION={BEFORE}\n" in served(machine)


def test_a_rollback_that_failed_is_repeated(machine: Jenkins) -> None:
    deliver(machine, CANDIDATE)

    assert machine.stage("rollback", STUB_FAIL="^jenkins.ready").returncode == 1
    assert machine.stage("rollback").returncode == 0
    assert f"MODEL_VERSION={BEFORE}\n" in served(machine)
    assert (machine.folder / "by hand" / "service" / "pid").exists()


def test_the_service_before_comes_back_on_its_own_port(machine: Jenkins) -> None:
    another = str(free_port())
    (machine.folder / "testing").write_text(f"{CANDIDATE}\n")
    for stage in ("gate", "promote", "rollout", "rollback"):
        machine.stage(stage, SERVE_PORT=another)

    ready = [c for c in (machine.folder / "calls").read_text().splitlines() if "ready" in c]
    assert f"http://127.0.0.1:{another} " in ready[-2]
    assert f"http://127.0.0.1:{machine.machine['SERVE_PORT']} " in ready[-1]


def test_another_program_with_the_number_of_a_service_that_ended_is_left_alone(
    machine: Jenkins,
) -> None:
    number = machine.folder / "by hand" / "service" / "pid"
    end_service(number)
    with subprocess.Popen(["sleep", "infinity"]) as other:
        number.write_text(f"{other.pid}\n")
        deliver(machine, CANDIDATE)
        assert other.poll() is None
        other.kill()


def test_another_program_that_listens_is_not_taken_for_the_service(machine: Jenkins) -> None:
    (machine.folder / "testing").write_text(f"{CANDIDATE}\n")
    machine.stage("gate")
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = machine.stage("rollout", SERVE_PORT=str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "another program listens" in done.stderr


def test_a_reason_of_several_lines_sets_nothing(machine: Jenkins) -> None:
    (machine.folder / "testing").write_text(f"{CANDIDATE}\n")
    for stage in ("gate", "promote", "rollout"):
        assert machine.stage(stage, DEPLOY_WHY="new\nSERVE_DEBUG=true").returncode == 0
    assert "SERVE_DEBUG" not in served(machine)

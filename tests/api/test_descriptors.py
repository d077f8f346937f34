"""Few open files, as processes that start have them."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.processes import ROOT, WITHIN, Process

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
from api.descriptors import connections
sys.stdout.write(f"{connections(500)} {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}")
"""


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "then"),
    [
        (2000, 3000, 500, 2000),
        (1024, 3000, 500, 1100),
        (64, 1100, 500, 1100),
        (1024, 1024, 462, 1024),
        (256, 512, 206, 512),
        (64, 64, 16, 64),
    ],
)
def test_the_limit_is_raised_as_far_as_it_can_be_and_what_it_leaves_is_told(
    soft: int, hard: int, connections: int, then: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(soft), str(hard)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=True,
    )
    assert done.stdout == f"{connections} {then}"
    assert (f"only {connections} connections at a time" in done.stderr) is (connections < 500)


@pytest.mark.parametrize("hard", [120, 4096])
def test_probes_are_answered_beside_more_connections_than_files_may_be_open(
    tmp_path: Path, hard: int
) -> None:
    variables = {"FILES": f"64 {hard}", "SERVE_REQUEST_TIMEOUT": "600"}
    with Process(tmp_path, program="tests.api.few_files", **variables) as service:
        service.wait_for("/health")
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(service.connect())
            assert service.wait_for("/health")["message"] == "alive"

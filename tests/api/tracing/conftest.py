import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.api.processes import ROOT


@pytest.fixture
def collector() -> Iterator[str]:
    """The address of a collector, which has received nothing yet."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.tracing.collector"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    with process.stdout:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()
        process.wait(60)

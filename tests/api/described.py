"""Whether a running service is as its description says, by schemathesis."""

import os
import subprocess
import sys
from pathlib import Path

from tests.api.processes import ROOT


def check_as_described(
    url: str, folder: Path, examples: int, *flags: str, **variables: str
) -> None:
    """Ask what schemathesis makes up from the description, always the same.

    Args:
        url: where the service runs.
        folder: for what schemathesis leaves behind.
        examples: of each operation, unless ``SCHEMATHESIS_EXAMPLES`` says otherwise.
        flags: of the command.
        variables: more of its environment.
    """
    ended = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            "run",
            f"{url}/openapi.json",
            "--checks=all",
            f"--max-examples={os.environ.get('SCHEMATHESIS_EXAMPLES', examples)}",
            "--seed=1",
            "--generation-database=none",
            "--no-color",
            *flags,
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr

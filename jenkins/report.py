"""``python -m jenkins.report VERSION FOLDER``: fetch the gate's latest report from the registry."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jenkins.errors import NoReport
from process.command import run
from process.settings import read
from registry import names
from registry.backend import Backend
from registry.open import open_backend
from registry.settings import RegistrySettings


def main(argv: Sequence[str]) -> int:
    """Leave the files of the report in the folder and return 0."""
    parser = argparse.ArgumentParser(prog="python -m jenkins.report", description=__doc__)
    parser.add_argument("version", help="the version that was judged")
    parser.add_argument("folder", type=Path, help="where the files are left")
    asked = parser.parse_args(argv)
    settings = read(RegistrySettings)
    fetch(open_backend(settings.url, settings.timeout), asked.version, asked.folder)
    return 0


def fetch(backend: Backend, version: str, folder: Path) -> None:
    """Copy what lies beside the latest verdict on a version into ``folder``.

    Raises:
        NoReport: the gate has not judged the version.
        RegistryError: the registry cannot be read.
    """
    found = list(backend.list(names.verdicts(version)))
    if not found:
        raise NoReport(f"the gate has not judged version {version}")
    # A verdict's name begins with its time.
    latest = found[-1].name.rpartition("/")[0]
    folder.mkdir(parents=True, exist_ok=True)
    for blob in found:
        where, _, name = blob.name.rpartition("/")
        if where == latest:
            with (folder / name).open("wb") as target:
                backend.read(blob, target)


if __name__ == "__main__":
    sys.exit(run("jenkins.report", main))

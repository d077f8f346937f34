"""Programs in the environment that has Ray: ``make ray``."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from registry import keys
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.api.processes import ROOT, WITHIN

PYTHON = Path(sys.prefix) / "ray" / "bin" / "python"


GCS_ADDRESS = re.compile(r"--gcs-address=([\d.]+:\d+)")


class Program:
    """A program that starts a cluster, which has to be gone when the program is.

    Ray's sockets lie in the folder for temporary files, whose name must be short.
    """

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        assert PYTHON.exists(), "run `make ray`"
        self.temporary = Path(tempfile.mkdtemp(dir="/tmp"))
        self._log = folder / f"{self.temporary.name}.log"
        own = {"PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary), "HOME": str(folder)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [PYTHON, *arguments],
                cwd=folder,
                env=_clean() | own | variables,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.wait_for_the_end_of_the_cluster()
        shutil.rmtree(self.temporary)

    @property
    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()

    def wait(self) -> int:
        """Wait for its end, and return the exit code."""
        return self.process.wait(WITHIN)

    def wait_for_the_end_of_the_cluster(self) -> None:
        """Wait until no process and no file of the cluster is left."""
        deadline = time.monotonic() + WITHIN
        while found := [*self.temporary.glob("ray-*"), *self.members()]:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def address(self) -> str:
        """Where the head of the cluster listens."""
        lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in self.members()]
        return next(found[1] for line in lines if (found := GCS_ADDRESS.search(line)))

    def named(self, beginning: str) -> list[int]:
        """The processes of the cluster that Ray has given a name with that beginning."""
        return [pid for pid in self.members() if _name(pid).startswith(beginning)]

    def members(self) -> list[int]:
        """The processes that name the folder for temporary files in their environment."""
        marker = str(self.temporary).encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if marker in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass  # it has ended, or is another user's
        return found


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""  # it has ended


def _clean() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}


def registry_in(folder: Path) -> Registry:
    """A new registry, which a program finds in that folder by ``REGISTRY_URL=file:registry``."""
    settings = RegistrySettings(
        url=f"file:{folder / 'registry'}",
        timeout=WITHIN,
        signing_key=folder / "var" / "keys" / "signing.pem",
        public_key=folder / "var" / "keys" / "public.pem",
    )
    keys.make(settings.signing_key, settings.public_key)
    return open_registry(settings, signing=True)

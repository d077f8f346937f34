"""PostgreSQL as processes of its own, from Debian's packages."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import psycopg

WITHIN = 60.0  # seconds; no test waits for as long unless it fails

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path())

# Nothing here has to outlast the machine.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "shared_buffers": "16MB",
}


class PostgreSQL:
    """A server in a folder of its own, which is reached by a socket there; it begins stopped.

    Args:
        port: of this machine, if it is to be reached there instead.
    """

    def __init__(self, port: int | None = None) -> None:
        # Not in the folder of a test, which is closed to others than the user who runs it.
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self._log = self._folder / "log"
        self._log.touch()
        if os.geteuid() == 0:
            for path in (self._folder, self._log):
                shutil.chown(path, "postgres", "postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self._options = OPTIONS
        self._server = f"host={self._folder}&user=tester"
        if port is not None:
            self._options = OPTIONS | {"listen_addresses": "127.0.0.1", "port": str(port)}
            self._server = f"host=127.0.0.1&port={port}&user=tester&password=secret"
        subprocess.run(
            self._command("initdb", "--auth=trust", "--username=tester", "--no-sync"),
            cwd=self._folder,
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        """Start it unless it runs, and return when it takes connections."""
        if self._process is None:
            self._process = self._launch()
        deadline = time.monotonic() + WITHIN
        while True:
            try:
                self._run("SELECT 1")
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.01)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: at once for whoever is connected, and by SIGQUIT as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(WITHIN)
            finally:
                self._process.kill()
                self._process = None

    def remove(self) -> None:
        """Stop it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    def make_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name}")
        return f"postgresql:///{name}?{self._server}"

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        name = url.partition("/test_")[2].partition("?")[0]
        self._run(f"DROP DATABASE test_{name} WITH (FORCE)")

    def _launch(self) -> subprocess.Popen[bytes]:
        options = [f"--{name}={value}" for name, value in self._options.items()]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command("postgres", "-k", str(self._folder), *options),
                cwd=self._folder,
                stderr=log,
            )

    def _run(self, statement: str) -> None:
        with psycopg.connect(
            f"postgresql:///postgres?{self._server}", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _command(self, program: str, *arguments: str) -> list[str]:
        # It refuses to run as root, and must end with the test's process however that ends.
        rights = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        rights = rights if os.geteuid() == 0 else []
        before = ["setpriv", *rights, "--pdeathsig=QUIT"]
        return [*before, str(PROGRAMS / program), "-D", str(self._folder / "data"), *arguments]

"""The storage server of the tests as a child process, and how to order what it does."""

import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

PROGRAM = Path(__file__).with_name("server.py")
PATIENCE = 30  # seconds; reached only if something is broken


class GCSServer:
    """A running server.

    Args:
        options: those of ``server.py``.
    """

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(PROGRAM), *options], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()
        if not self.url:
            self.stop()
            raise EOFError("the storage server has ended at once")

    @property
    def variables(self) -> dict[str, str]:
        """The environment that makes a process take this server for Google's."""
        return {"STORAGE_EMULATOR_HOST": self.url}

    def make_bucket(self, **fields: object) -> str:
        """A new bucket that everyone may use, and its name."""
        name = f"bucket-{uuid.uuid4().hex}"
        self._ask("POST", "/storage/v1/b", {"name": name, **fields})
        return name

    def grant(self, bucket: str, *roles: str) -> None:
        """Give everyone these roles in the bucket, and no other; it cannot be undone."""
        self.bind(bucket, [{"role": role, "members": ["allUsers"]} for role in roles])

    def bind(self, bucket: str, bindings: Sequence[Mapping[str, object]]) -> None:
        """Set who may do what in a bucket, as in Google's policies; it cannot be undone."""
        self._ask("PUT", f"/storage/v1/b/{bucket}/iam", {"version": 3, "bindings": bindings})

    def as_user(self, who: str) -> dict[str, str]:
        """The environment of a process that this server takes for somebody."""
        return {"STORAGE_EMULATOR_HOST": self.url.replace("//", f"//{who}:@")}

    def fail(self, **fault: object) -> None:
        """Order a fault: the fields are those of :class:`tests.gcs.faults.Fault`."""
        self._ask("POST", "/faults", fault)

    def behave(self, who: str = "") -> int:
        """Strike off the faults that have not struck to the end, and say how many there were.

        With ``who``, those for one client. No request that was delayed is still on its way then.
        """
        answer = self._ask("DELETE", f"/faults?who={who}", {})
        pending: int = answer.json()["pending"]
        return pending

    def stop(self) -> None:
        """End the process, and all that it keeps."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, method: str, path: str, body: object) -> requests.Response:
        answer = requests.request(method, self.url + path, json=body, timeout=PATIENCE)
        answer.raise_for_status()
        return answer

"""A Ray cluster on this machine alone, for as long as somebody needs it.

It listens on the loopback interface, asks its own processes for a token that nobody else can read,
tells nobody of its use, has no dashboard, and leaves no process and no file behind.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from api.ray import guard
from api.ray.errors import RayFailed, RayMissing
from process.termination import terminable

NEEDED = ("ray", "pyarrow")
OBJECT_STORE = 512 * 2**20  # bytes of shared memory; what is beyond that goes to the disk


def require() -> None:
    """Check that Ray is there, without starting anything.

    Raises:
        RayMissing: it is not.
    """
    if not all(map(find_spec, NEEDED)):
        raise RayMissing(
            f"{sys.executable} has no Ray: `make ray` installs it, and .venv/ray/bin/python in the "
            "place of this one runs this command"
        )


@contextmanager
def local_cluster(cpus: int) -> Iterator[None]:
    """A block in which this process is the driver of a cluster of its own.

    Args:
        cpus: how many tasks and actors, which take one each, run at once.

    Raises:
        RayMissing: Ray is not installed.
        RayFailed: it does not start.
    """
    require()
    folder = tempfile.mkdtemp(prefix="ray-")
    with _guarded(folder), _environment(_variables(Path(folder))):
        _start(cpus, folder)
        try:
            with terminable():  # Ray's own handler of SIGTERM ends a process where it stands
                yield
        finally:
            import ray

            ray.shutdown()


@contextmanager
def _guarded(folder: str) -> Iterator[None]:
    """A block at whose end, however this process ends, all that names the folder ends too."""
    command = [sys.executable, "-P", guard.__file__, folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _variables(folder: Path) -> dict[str, str]:
    """What Ray reads from the environment, and its processes inherit."""
    token = folder / "token"
    token.touch(0o600)
    token.write_text(secrets.token_hex(32))
    return {
        # By which Ray keeps to the loopback interface; elsewhere than on Windows, too.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_BACKEND_LOG_LEVEL": "fatal",
    }


def _start(cpus: int, folder: str) -> None:
    import ray

    try:
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            log_to_driver=False,
            configure_logging=False,
            _temp_dir=folder,
            _system_config={"prestart_worker_first_driver": False},
        )
    except Exception as error:  # whatever Ray makes of a port, a socket or a folder
        raise RayFailed(f"Ray does not start: {error}") from error

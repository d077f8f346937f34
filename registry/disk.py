"""Writing to a folder so that neither a kill nor a power cut leaves anything half-written.

All that the local back end changes on disk goes through these few functions. A file's content is
on the disk before the file gets its name, and so is the folder that holds the name before anybody
is told.
"""

import contextlib
import errno
import fcntl
import glob
import io
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

LOCK_POLL_SECONDS = 0.01


@contextmanager
def locked(folder: Path, timeout: float) -> Iterator[None]:
    """Hold the exclusive lock of a folder, which ends with the process at the latest.

    Raises:
        TimeoutError: somebody else held it for ``timeout`` seconds.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, folder, timeout)
        yield
    finally:
        os.close(descriptor)


def make_folder(folder: Path, root: Path) -> None:
    """Make ``folder``, at or below ``root``, and have every part of its path on the disk.

    Parts that exist are written too: whoever made them may have been killed before it did so.
    """
    top = next(path for path in (root, *root.parents) if path.is_dir())
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.parents):
        try:
            sync(path)
        except OSError:
            if path not in top.parents:  # which may well be closed to us
                raise


@contextmanager
def replacing(target: Path, timeout: float) -> Iterator[io.BufferedRandom]:
    """Write a file that takes the place of ``target`` at the end of the block, if that succeeds.

    What killed processes left when they did the same is removed.

    Raises:
        OSError: it cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    with locked(target.parent, timeout):
        _remove_abandoned(target)
        file = part.open("xb+")
        fcntl.flock(file, fcntl.LOCK_EX)  # for as long as this process lives and writes
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def write(path: Path, source: BinaryIO) -> int:
    """Write a new file, read-only against accidents, and return its size in bytes."""
    with path.open("xb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        status = os.fstat(file.fileno())
        os.fchmod(file.fileno(), status.st_mode & 0o444)
        os.fsync(file.fileno())
    return status.st_size


def name_new(part: Path, path: Path) -> None:
    """Give the file ``part`` the name ``path``, which nothing may have yet."""
    os.link(part, path)
    part.unlink()
    sync(path.parent)


def point(path: Path, target: str) -> None:
    """Make ``path`` a symbolic link to ``target`` in one step, whatever it was before."""
    link = path.with_name(f".{path.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    link.replace(path)
    sync(path.parent)


def remove(folder: Path) -> None:
    """Remove a folder that nothing points to, as far as that is possible."""
    shutil.rmtree(folder, ignore_errors=True)


def sync(folder: Path) -> None:
    """Have the names in ``folder`` on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(target: Path) -> None:
    for part in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with contextlib.suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


def _lock(descriptor: int, folder: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                sentence = f"another process has held the lock for {timeout:g} s"
                raise TimeoutError(errno.ETIMEDOUT, sentence, str(folder)) from None
        time.sleep(LOCK_POLL_SECONDS)

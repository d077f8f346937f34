"""A registry in a folder.

An object that is written once is a plain file. A stage's object has metadata, and has to switch
together with it although a folder knows no such thing: its name is a symbolic link,

    production/best_model.hdf5 -> .best_model.hdf5/<generation>/best_model.hdf5

into a hidden folder that holds a copy of the model and its ``metadata.json``. A new generation is
complete on the disk before one rename of a new link puts it in place, so whoever reads
``production/best_model.hdf5`` finds a whole file at any time. A plain file of that name was put
there by hand and is an object without metadata.
"""

import errno
import io
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from registry import disk, identity
from registry.backend import Blob, Diagnosis
from registry.errors import (
    Forbidden,
    NotFound,
    PreconditionFailed,
    RegistryError,
    Unchanged,
    Unreachable,
)
from registry.roles import WRITES, Role

METADATA = "metadata.json"
FOLDERS = ("versions", "testing", "production")
CHUNK = 1 << 20  # bytes


class LocalBackend:
    """Objects in a folder, safe for use by many threads and processes of one machine.

    Args:
        folder: the root; it is made by the first write.
        timeout: seconds to wait for another process's lock.
    """

    def __init__(self, folder: Path, timeout: float = 60) -> None:
        self._root = folder.absolute()
        self._timeout = timeout

    def stat(self, name: str) -> Blob | None:
        """See :meth:`registry.backend.Backend.stat`."""
        path = self._path(name)
        with _explained(path):
            blob = _look(name, path)
            if blob is None:
                self._require_folder()
        return blob

    def list(self, prefix: str) -> Iterator[Blob]:
        """See :meth:`registry.backend.Backend.list`."""
        start = self._path(prefix.rpartition("/")[0] or ".")
        with _explained(start):
            names = sorted(self._names(start))
            if not names:
                self._require_folder()
        for name in names:
            blob = self.stat(name) if name.startswith(prefix) else None
            if blob:
                yield blob

    def read(self, blob: Blob, target: BinaryIO) -> None:
        """See :meth:`registry.backend.Backend.read`."""
        for chunk in self._chunks(blob):
            target.write(chunk)

    def create(self, name: str, source: BinaryIO) -> Blob:
        """See :meth:`registry.backend.Backend.create`."""
        path = self._path(name)
        part = path.with_name(f".{path.name}.part")
        with self._changing(path):
            part.unlink(missing_ok=True)  # of a writer that was killed
            if os.path.lexists(path):
                disk.sync(path.parent)  # for the same reason
                raise PreconditionFailed(f"{path} exists")
            try:
                disk.write(part, source)
            except OSError:
                part.unlink(missing_ok=True)
                raise
            disk.name_new(part, path)
            status = path.stat()
        return Blob(name, status.st_mtime_ns, status.st_size)

    def replace_if(
        self, name: str, source: Blob, metadata: Mapping[str, str], generation: int
    ) -> Blob:
        """See :meth:`registry.backend.Backend.replace_if`."""
        path = self._path(name)
        with self._changing(path):
            now = _look(name, path)
            found = now.generation if now else 0
            if found != generation:
                raise PreconditionFailed(f"{path} is at generation {found}, not {generation}")
            number = max(time.time_ns(), found + 1)
            with _explained(path, Unchanged):
                _sweep(path, found)  # before anything else, as they may have filled the disk
                size = self._write_generation(path, number, source, metadata)
            disk.point(path, f"{_hidden(path).name}/{number}/{path.name}")
            _sweep(path, number)
        return Blob(name, number, size, dict(metadata))

    def diagnose(self, role: Role | None = None) -> Diagnosis:
        """See :meth:`registry.backend.Backend.diagnose`."""
        allowed: dict[str, bool | None] = {}
        written = {area.prefix.partition("/")[0] for area in WRITES[role]} if role else FOLDERS
        for area in FOLDERS:
            folder = _nearest(self._root / area)
            allowed[f"read {area}/"] = _allows(folder, os.R_OK)
            if area in written:
                allowed[f"write {area}/"] = _allows(folder, os.W_OK)
        problems = [
            f"user {identity.user()} may not {operation} in {self._root}: change its permissions"
            for operation, allows in allowed.items()
            if not allows
        ]
        if not _nearest(self._root).is_dir():
            problems = [_no_folder(self._root)]
        return Diagnosis(
            f"user {identity.user()}", f"folder {self._root}", allowed, tuple(problems)
        )

    def _path(self, name: str) -> Path:
        parts = name.split("/")
        if name != "." and any(not part or part.startswith(".") or "\0" in part for part in parts):
            raise ValueError(f"{name!r} is no name of an object")
        return self._root.joinpath(*parts)

    def _require_folder(self) -> None:
        """Check that nothing is found because nothing is there yet, or not any more."""
        try:
            there = stat.S_ISDIR(self._root.stat().st_mode)
        except FileNotFoundError:
            return
        except NotADirectoryError:
            there = False
        if not there:
            raise Unreachable(_no_folder(self._root))

    def _names(self, start: Path) -> Iterator[str]:
        for folder, folders, files in os.walk(start, onerror=_unless_missing):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for file in files:
                if not file.startswith("."):
                    yield (Path(folder) / file).relative_to(self._root).as_posix()

    @contextmanager
    def _changing(self, path: Path) -> Iterator[None]:
        with _explained(path):
            disk.make_folder(path.parent, self._root)
            with disk.locked(path.parent, self._timeout):
                yield

    def _write_generation(
        self, path: Path, number: int, source: Blob, metadata: Mapping[str, str]
    ) -> int:
        folder = _hidden(path) / str(number)
        try:
            disk.make_folder(folder, self._root)
            with self._open(source) as file:
                size = disk.write(folder / path.name, file)
            disk.write(folder / METADATA, io.BytesIO(_encoded(metadata)))
            disk.sync(folder)
        except BaseException:
            disk.remove(folder)
            raise
        return size

    def _chunks(self, blob: Blob) -> Iterator[bytes]:
        with _explained(self._path(blob.name)), self._open(blob) as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def _open(self, blob: Blob) -> io.BufferedReader:
        path = self._path(blob.name)
        try:
            return (_hidden(path) / str(blob.generation) / path.name).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            pass  # a plain file, or a generation that is gone
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise NotFound(f"{path} does not exist any more") from None
        if os.fstat(file.fileno()).st_mtime_ns != blob.generation:
            file.close()
            raise NotFound(f"{path} was replaced since it was looked at")
        return file


def _look(name: str, path: Path) -> Blob | None:
    while True:
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        generation = _generation(path)
        if not generation:
            there = not stat.S_ISDIR(status.st_mode)
            return Blob(name, max(status.st_mtime_ns, 1), status.st_size) if there else None
        folder = _hidden(path) / str(generation)
        try:
            size = (folder / path.name).stat().st_size
            return Blob(name, generation, size, _metadata(folder / METADATA))
        except FileNotFoundError:
            if _generation(path) == generation:
                # Not swept by a writer while we looked, but removed by hand.
                return Blob(name, generation, 0)


def _generation(path: Path) -> int:
    """The generation that a stage's link points to; 0 for anything but such a link."""
    try:
        target = path.readlink().as_posix()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINVAL, errno.ENOTDIR):
            return 0
        raise
    folder, _, rest = target.removeprefix(f"{_hidden(path).name}/").partition("/")
    return int(folder) if folder.isdecimal() and rest == path.name else 0


def _encoded(metadata: Mapping[str, str]) -> bytes:
    # Without \\u escapes, of which one text has several spellings.
    return json.dumps(dict(metadata), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _metadata(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_bytes())
    except (RecursionError, ValueError):
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}")


def _sweep(path: Path, kept: int) -> None:
    """Remove the generations that killed writers left, and the one before."""
    for folder in _hidden(path).glob("*"):
        if folder.name != str(kept):
            disk.remove(folder)


def _nearest(path: Path) -> Path:
    """The deepest part of ``path`` that can be seen to exist."""
    # Unlike Path.exists, this is false for what lies in a folder that is closed to us.
    return next(each for each in (path, *path.parents) if os.path.exists(each))  # noqa: PTH110


def _no_folder(root: Path) -> str:
    return f"{_nearest(root)} is not a folder: change REGISTRY_URL"


def _allows(folder: Path, mode: int) -> bool:
    return os.access(folder, mode | os.X_OK, effective_ids=True)


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


@contextmanager
def _explained(path: Path, failure: type[RegistryError] = Unreachable) -> Iterator[None]:
    """Say what went wrong with the file system in the registry's own terms."""
    try:
        yield
    except PermissionError as error:
        where = error.filename or path
        raise Forbidden(
            f"user {identity.user()} has no permission for {where}: change its permissions or user"
        ) from error
    except OSError as error:
        raise failure(f"{error.filename or path}: {error.strerror or error}") from error

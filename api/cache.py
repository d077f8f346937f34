"""Verified copies of models on this machine's disk, to start from when the registry is away."""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from api.errors import CacheUnwritable
from registry.document import decode, encode
from registry.errors import Corrupt, Unwritable
from registry.evidence import Evidence
from registry.names import VARIANTS
from registry.record import StageState
from registry.verdict import Variant

logger = logging.getLogger(__name__)

T = TypeVar("T")

MODEL, EVIDENCE, LAST = "best_model.hdf5", "evidence.json", "last_served.json"


@dataclass(frozen=True)
class LastServed:
    """What this service last served.

    Attributes:
        registry: the URL of the registry that it came from.
        version: SHA-256 of the model file.
        state: what was in production then.
    """

    registry: str
    version: str
    state: StageState


class Cache:
    """A folder with one sub-folder for each version; nothing in it is trusted unchecked.

    What cannot be read is not there; every method that writes may raise CacheUnwritable.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, version: str) -> Path | None:
        """The model file of ``version``, verified now; None if it is not right."""
        path = self._path(version, MODEL)
        try:
            if _sha256(path) == version:
                return path
            logger.warning("the cached copy in %s is damaged and not used", path.parent)
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.warning("the cached copy is not used: %s", error)
        return None

    def add(self, version: str, fetch: Callable[[Path], object]) -> Path:
        """Keep the model that ``fetch`` writes, verified, to the path that it is given."""
        path = self._path(version, MODEL)
        try:
            with self._writing():
                path.parent.mkdir(parents=True, exist_ok=True)
                fetch(path)
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)  # what is left takes room
            raise
        return path

    def find_variant(self, version: str, variant: Variant) -> bytes | None:
        """The file of a variant, verified now; None if it is not right."""
        path = self._path(version, VARIANTS[variant.precision])
        try:
            content = path.read_bytes() if path.stat().st_size == variant.size else b""
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("the cached copy is not used: %s", error)
            return None
        if hashlib.sha256(content).hexdigest() == variant.sha256:
            return content
        logger.warning("the cached copy %s is not what the gate signed and is not used", path)
        return None

    def add_variant(self, version: str, variant: Variant, content: bytes) -> None:
        """Keep the file of a variant."""
        path = self._path(version, VARIANTS[variant.precision])
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)

    def evidence(self, version: str) -> Evidence | None:
        """What was kept of what speaks for ``version``, unexamined; None if it cannot be read."""
        return _read(Evidence, self._path(version, EVIDENCE))

    def add_evidence(self, version: str, evidence: Evidence) -> None:
        """Keep what speaks for ``version``."""
        path = self._path(version, EVIDENCE)
        with self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, encode(evidence))

    def remember(self, served: LastServed) -> None:
        """Note what to start from."""
        with self._writing():
            _write(self._folder / LAST, encode(served))

    def recall(self) -> LastServed | None:
        """What was noted last, unexamined; None if nothing was, or the note is damaged."""
        return _read(LastServed, self._folder / LAST)

    def prune(self, keep: Collection[str]) -> None:
        """Delete every version but those in ``keep``."""
        with self._writing(), suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if re.fullmatch("[0-9a-f]{64}", path.name) and path.name not in keep:
                    shutil.rmtree(path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, Unwritable) as error:
            reason = getattr(error.__cause__ or error, "strerror", None) or error
            raise CacheUnwritable(
                f"MODEL_CACHE={self._folder} cannot be written ({reason}): make room there, or set "
                "MODEL_CACHE to a folder that this user may write, and restart; without a copy "
                "there the service cannot start while the registry is away"
            ) from error

    def _path(self, version: str, name: str) -> Path:
        return self._folder / version / name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(kind: type[T], path: Path) -> T | None:
    try:
        return decode(kind, path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except (Corrupt, OSError) as error:
        logger.warning("what is in the cache is not used: %s", error)
        return None


def _write(path: Path, content: bytes) -> None:
    """Replace the file whole. Without fsync: what a power cut leaves is checked when it is read."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise

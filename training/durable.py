"""Writing files in the work folder: whole or not at all, and on the disk before they count."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.errors import WorkUnwritable


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of ``path``, at once, when the block ends.

    Raises:
        WorkUnwritable: it cannot be written; what ``path`` was, it still is.
    """
    unfinished = path.with_stem(f"unfinished-{path.stem}")
    with writing(path):
        try:
            yield unfinished
            _sync(unfinished)
            unfinished.replace(path)
            _sync(path.parent)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()  # it may be what has filled the disk
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what an operating system's refusal to write ``path`` means, and what to do about it.

    Raises:
        WorkUnwritable: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise WorkUnwritable(
            f"TRAIN_WORK: {path} cannot be written: {error.strerror or error}: make room or change "
            "permissions and run the same command, which goes on after the last epoch, or name "
            "another folder with --work"
        ) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

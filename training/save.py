"""Writing a model file in the one format that the registry keeps."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from training.durable import replacing

OVERHEAD = 1 << 20  # bytes, more than the file needs beside its weights


def save(network: keras.Model, path: Path) -> None:
    """Write ``network`` to ``path`` (``*.hdf5``) for inference, whole or not at all.

    Raises:
        WorkUnwritable: what was in ``path`` is still there.
    """
    with replacing(path) as unfinished:
        _require_room(unfinished, 4 * network.count_params() + OVERHEAD)
        with _legacy_format_intended():
            network.save(unfinished, include_optimizer=False)


def _require_room(path: Path, size: int) -> None:
    """Raise OSError if so many bytes do not fit, as libhdf5 crashes when it finds that out."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


@contextmanager
def _legacy_format_intended() -> Iterator[None]:
    """Keep Keras from warning that HDF5 is legacy: it is what the registry's readers expect."""

    def is_other(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("You are saving your model as an HDF5 file")

    absl = logging.getLogger("absl")
    absl.addFilter(is_other)
    try:
        yield
    finally:
        absl.removeFilter(is_other)

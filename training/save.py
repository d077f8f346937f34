"""Writing a model file in the one format that the registry keeps."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras


def save(network: keras.Model, path: Path) -> None:
    """Write ``network`` to ``path`` (``*.hdf5``) for inference, whole or not at all."""
    unfinished = path.with_stem(f"unfinished-{path.stem}")
    with _legacy_format_intended():
        network.save(unfinished, include_optimizer=False)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


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

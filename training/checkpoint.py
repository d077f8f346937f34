"""What an interrupted run resumes from: one file, replaced whole after every epoch."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from training.durable import replacing
from training.history import History

logger = logging.getLogger(__name__)

Arrays: TypeAlias = Sequence[npt.NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """The run after its last finished epoch.

    Attributes:
        reached: the best validation accuracy of each earlier attempt.
        history: the epochs of the attempt at work.
        variables: its network's and optimizer's variables, random states included.
        best: its network's weights after the best epoch.
    """

    reached: tuple[float, ...]
    history: History
    variables: Arrays
    best: Arrays


def write(checkpoint: Checkpoint, path: Path) -> None:
    """Put the checkpoint in the place of the one before; a crash leaves either, whole.

    Raises:
        WorkUnwritable: the one before is still there.
    """
    document = json.dumps({"reached": checkpoint.reached, "history": checkpoint.history.metrics})
    arrays: dict[str, Any] = {f"variable{i}": array for i, array in enumerate(checkpoint.variables)}
    arrays |= {f"best{i}": array for i, array in enumerate(checkpoint.best)}
    with replacing(path) as unfinished:
        np.savez(unfinished, document=np.array(document), **arrays)


def read(path: Path) -> Checkpoint | None:
    """The checkpoint in ``path`` (``*.npz``), or None if there is none that can be read."""
    if not path.exists():
        return None
    try:
        return _read(path)
    except Exception as error:  # whatever the damage leads to, deep inside numpy and zipfile
        logger.warning("%s is ignored, as it cannot be read: %r", path, error)
        return None


def _read(path: Path) -> Checkpoint:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        document = json.loads(str(stored["document"]))
        history = {name: tuple(values) for name, values in document["history"].items()}
        return Checkpoint(
            reached=tuple(document["reached"]),
            history=History(history),
            variables=_numbered(stored, "variable"),
            best=_numbered(stored, "best"),
        )


def _numbered(stored: Any, name: str) -> Arrays:
    count = sum(key.startswith(name) for key in stored.files)
    return [stored[f"{name}{i}"] for i in range(count)]

"""The folder of one run, where it can be interrupted at any point and go on later."""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.card import Card
from registry.document import decode, encode
from training.errors import AlreadyRunning


@dataclass(frozen=True)
class Workspace:
    """Where a run keeps what it has so far.

    Attributes:
        folder: the run's own folder.
    """

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The run after its last finished epoch."""
        return self.folder / "checkpoint.npz"

    @property
    def base(self) -> Path:
        """The model that a warm start goes on from."""
        return self.folder / "base.hdf5"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / "best_model.hdf5"

    @property
    def card(self) -> Card | None:
        """The trained model's card, or None while training is not finished."""
        path = self.folder / "card.json"
        return decode(Card, path.read_bytes(), str(path)) if path.exists() else None

    def finish(self, card: Card) -> None:
        """Record that :attr:`model` is trained: the run has nothing left but to publish it."""
        unfinished = self.folder / "card.tmp"
        unfinished.write_bytes(encode(card))
        unfinished.replace(self.folder / "card.json")

    def remove(self) -> None:
        """Forget the run."""
        shutil.rmtree(self.folder)


def key(arguments: dict[str, Any], fingerprint: str, base: str) -> str:
    """A name for a run: equal for the same arguments, data and model to start from."""
    document = json.dumps([arguments, fingerprint, base], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()[:16]


@contextmanager
def workspace(work: Path, run: str) -> Iterator[Workspace]:
    """The folder of the run named ``run``, held against other processes.

    Raises:
        AlreadyRunning: another process holds it.
    """
    folder = work / run
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            # Released by the kernel when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"another process is at work on the same run in {folder}: "
                "wait for it, or name another folder with --work (TRAIN_WORK)"
            ) from None
        yield Workspace(folder)

"""The folder of one run, where it can be interrupted at any point and go on later."""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from registry.card import Card
from registry.document import decode, encode
from registry.errors import Corrupt
from training.durable import replacing, writing
from training.errors import AlreadyRunning

logger = logging.getLogger(__name__)


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
        """The trained model's card, or None while there are not both of them, as they were made."""
        path = self.folder / "card.json"
        if not path.exists():
            return None
        try:
            card = decode(Card, path.read_bytes(), str(path))
            found = hashlib.sha256(self.model.read_bytes()).hexdigest()
        except (Corrupt, OSError) as error:
            logger.warning("%s is ignored: %s", path, error)
            return None
        if found != card.version:
            logger.warning("%s is ignored: %s is not the model that it is of", path, self.model)
            return None
        return card

    def finish(self, card: Card) -> None:
        """Record that :attr:`model` is trained: the run has nothing left but to publish it.

        Raises:
            WorkUnwritable: it is not recorded.
        """
        with replacing(self.folder / "card.json") as unfinished:
            unfinished.write_bytes(encode(card))

    def remove(self) -> None:
        """Forget the run, as far as that is possible: what it was for is done."""
        try:
            shutil.rmtree(self.folder)
            _lock_of(self.folder).unlink()  # last, as nobody else has entered until now
        except OSError as error:
            logger.warning("%s cannot be removed: %s", self.folder, error.strerror)


def key(arguments: dict[str, Any], fingerprint: str, base: str) -> str:
    """A name for a run: equal for the same arguments, data and model to start from."""
    document = json.dumps([arguments, fingerprint, base], sort_keys=True)
    return hashlib.sha256(document.encode()).hexdigest()[:16]


@contextmanager
def workspace(work: Path, run: str) -> Iterator[Workspace]:
    """The folder of the run named ``run``, held against other processes.

    Raises:
        AlreadyRunning: another process holds it.
        WorkUnwritable: there can be no such folder.
    """
    folder = work / run
    with writing(folder):
        work.mkdir(parents=True, exist_ok=True)
        lock = _locked(folder)
    with lock:
        with writing(folder):
            folder.mkdir(exist_ok=True)
        yield Workspace(folder)


def _lock_of(folder: Path) -> Path:
    """The lock file of ``folder``, beside it, so that whoever holds it may remove all the rest."""
    return folder.with_suffix(".lock")


def _locked(folder: Path) -> BinaryIO:
    """The open lock file of ``folder``, once this process alone holds its lock."""
    path = _lock_of(folder)
    while True:
        lock = path.open("wb")
        with ExitStack() as stack, suppress(FileNotFoundError):
            stack.enter_context(lock)
            _hold(lock, folder)
            # Whoever held it until now may have removed it, and a third one made another.
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                stack.pop_all()
                return lock


def _hold(lock: BinaryIO, folder: Path) -> None:
    try:
        # Released by the kernel when the process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(
            f"another process is at work on the same run in {folder}: "
            "wait for it, or name another folder with --work (TRAIN_WORK)"
        ) from None

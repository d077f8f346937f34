"""What a batch is to do, and how far it has come, in the folder of its results.

    job/job.json          what was asked for, and which model answers; written last
    job/images.jsonl      every file to be scored, in order
    job/cache/            the model, while there is something left to do
    results/part-N.jsonl  the results of block N; or .parquet

Every file appears whole, in one step. A job is begun once: as long as ``job.json`` is missing
nothing has been scored, and from then on it says what every further run does.
"""

import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from api.batch import results
from api.batch.errors import Busy, OtherBatch, Unwritable
from api.batch.places import Item
from api.batch.results import Result, shown
from api.batch.settings import Format
from classifier.runtime import Precision, Runtime
from registry import disk
from registry.document import decode, encode

PATIENCE = 60.0  # seconds that a file may take to be written beside others


@dataclass(frozen=True)
class Asked:
    """What a person asked for, which is the same for every run of a job."""

    source: str
    format: Format
    threshold: float | None
    block: int
    version: str
    runtime: str
    precision: str


@dataclass(frozen=True)
class Job:
    """A batch that was begun.

    Attributes:
        asked: what for.
        version: the model that answers all of it.
        runtime: what runs that.
        precision: in which form.
        threshold: the confidence below which answers are ``other``.
        images: how many files there are.
    """

    asked: Asked
    version: str
    runtime: Runtime
    precision: Precision
    threshold: float
    images: int


@dataclass(frozen=True)
class Block:
    """Files whose results are written at once; ``number`` is its place in the list."""

    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Ledger:
    """The folder of a batch. It can be sent to other processes."""

    folder: Path

    @property
    def cache(self) -> Path:
        """Where the model is kept, for all processes of all runs."""
        return self.folder / "job" / "cache"

    def job(self, asked: Asked) -> Job | None:
        """The job that was begun here; None if none was.

        Raises:
            OtherBatch: it is for something else, or the folder has another use.
        """
        try:
            content = self._job.read_bytes()
        except FileNotFoundError:
            self._require_unused()
            return None
        job = decode(Job, content, str(self._job))
        if job.asked != asked:
            raise OtherBatch(
                f"{self.folder} holds a batch with {_differences(job.asked, asked)}: give another "
                "--output, or ask for the same"
            )
        return job

    def begin(self, job: Job, items: Sequence[Item]) -> None:
        """Write down what is to be done."""
        lines = (json.dumps(astuple(item)) + "\n" for item in items)
        _write(self._images, "".join(lines).encode())
        _write(self._job, encode(job))

    def blocks(self, job: Job) -> Iterator[Block]:
        """All of the job, in the same parts every time."""
        with self._images.open() as lines:
            items = (Item(*json.loads(line)) for line in lines)
            for number in itertools.count():
                block = tuple(itertools.islice(items, job.asked.block))
                if not block:
                    return
                yield Block(number, block)

    def finished(self, job: Job, block: Block) -> list[Result] | None:
        """The results of a block; None if they are still to be had."""
        found = results.load(job.asked.format, self._part(job, block))
        names = [shown(item.name) for item in block.items]
        return found if found and [result.path for result in found] == names else None

    def commit(self, job: Job, block: Block, found: Sequence[Result]) -> None:
        """Write the results of a block. To do so twice changes nothing."""
        _write(self._part(job, block), results.encode(job.asked.format, found))

    def complete(self) -> None:
        """Remove what only further work would need."""
        shutil.rmtree(self.cache, ignore_errors=True)

    @property
    def _job(self) -> Path:
        return self.folder / "job" / "job.json"

    @property
    def _images(self) -> Path:
        return self.folder / "job" / "images.jsonl"

    def _part(self, job: Job, block: Block) -> Path:
        return self.folder / "results" / f"part-{block.number:06}.{job.asked.format}"

    def _require_unused(self) -> None:
        if any(path.name != "job" for path in self.folder.iterdir()):
            raise OtherBatch(
                f"{self.folder} holds something else than a batch: give --output a folder "
                "of its own"
            )


@contextmanager
def opened(folder: Path) -> Iterator[Ledger]:
    """The folder of a batch, made if need be, which no other process works on meanwhile.

    Raises:
        Busy: one does.
        Unwritable: the folder cannot be made or locked.
    """
    with _writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = disk.locked(folder, 0)
        try:
            lock.__enter__()
        except TimeoutError:
            raise Busy(f"another process is scoring into {folder}: wait for its end") from None
    try:
        yield Ledger(folder.absolute())
    finally:
        lock.__exit__(None, None, None)


def _write(path: Path, content: bytes) -> None:
    with _writable(path):
        with disk.replacing(path, PATIENCE) as file:
            file.write(content)
        disk.sync(path.parent)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path} cannot be written: {error.strerror}") from error


def _differences(before: Asked, now: Asked) -> str:
    asked = asdict(now)
    return " and ".join(
        f"{name} {value}, not {asked[name]}"
        for name, value in asdict(before).items()
        if value != asked[name]
    )

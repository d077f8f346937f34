"""A batch on Ray Data: tasks read and decode blocks of files, actors answer and write them.

A row of the data set is a whole block, which Ray never splits, so that its results are always those
of one commit. Ray repeats a task whose process has died; to commit a block again changes nothing.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np
import ray
import ray.data

from api.batch import scoring
from api.batch.errors import Unfinished
from api.batch.ledger import Block, Ledger
from api.batch.model import Loader
from api.batch.places import Item, Place
from api.batch.scoring import Draft
from api.loading import warm_sizes
from images import MAX_PIXELS, SHAPE
from process.errors import Failure

Row = dict[str, Any]

# What the largest image takes while it is decoded, so that Ray starts no more such tasks than fit.
DECODING = 24 * MAX_PIXELS  # bytes


@dataclass(frozen=True)
class Reader:
    """The first step: from the names of a block to its pixels."""

    place: Place

    def __call__(self, row: Row) -> Row:
        """Read and decode a block."""
        items = [Item(*item) for item in json.loads(row["items"])]
        drafts, pixels = scoring.prepare(self.place, items)
        said = json.dumps([asdict(draft) for draft in drafts])
        return {**row, "drafts": said.encode(), "pixels": pixels.tobytes()}


class Scorer:
    """The second step, in a process that keeps the model: from pixels to committed results."""

    def __init__(self, ledger: Ledger, loader: Loader, max_batch: int) -> None:
        self._ledger = ledger
        self._job = loader.job
        self._max_batch = max_batch
        self._snapshot = loader.load(warm_sizes(max_batch))

    def __call__(self, row: Row) -> Row:
        """Answer a block; what is left of it is how many files had an answer."""
        items = tuple(Item(*item) for item in json.loads(row["items"]))
        drafts = [Draft(**draft) for draft in json.loads(row["drafts"])]
        pixels = np.frombuffer(row["pixels"], np.uint8).reshape(-1, *SHAPE)
        found = scoring.answer(self._snapshot, drafts, pixels, self._max_batch)
        self._ledger.commit(self._job, Block(row["number"], items), found)
        answered = sum(result.reason is None for result in found)
        return {"images": len(found), "answered": answered}


def score(
    blocks: Sequence[Block], reader: Reader, scorer: tuple[Ledger, Loader, int], models: int
) -> Iterator[Mapping[str, int]]:
    """Score blocks on the cluster that this process drives, and yield the counts of each.

    Args:
        blocks: what is left to do.
        reader: the first step.
        scorer: the arguments of the second.
        models: how many processes take the second step.

    Raises:
        Failure: what ended it, in one of the processes.
    """
    # What goes wrong is raised here, too.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    ray.data.DataContext.get_current().enable_progress_bars = False
    resources = ray.cluster_resources()
    gpus = int(scorer[1].job.runtime == "tensorflow" and "GPU" in resources)
    decoding = min(DECODING, resources["memory"])  # on a small machine, one at a time
    rows = [_row(block) for block in blocks]
    dataset = (
        ray.data.from_items(rows, override_num_blocks=len(rows))
        .map(reader, num_cpus=1, memory=decoding)
        .map(
            Scorer,
            fn_constructor_args=scorer,
            compute=ray.data.ActorPoolStrategy(size=models),
            num_cpus=1,
            num_gpus=gpus,
        )
    )
    try:
        yield from dataset.iter_rows()
    except ray.exceptions.RayError as error:
        raise _explained(error) from error


def _row(block: Block) -> Row:
    return {"number": block.number, "items": json.dumps([astuple(i) for i in block.items]).encode()}


def _explained(error: BaseException) -> Failure:
    """What a process of Ray's has raised, if it was one of ours."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, Failure):
            return found
        found = getattr(found, "cause", None) or found.__cause__
    return Unfinished(f"Ray has ended the batch: {error}")

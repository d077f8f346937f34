"""The two steps that a block goes through, each perhaps in another process.

What passes between them is a row of plain values. A failure that a sentence explains travels in a
row too, as Ray would bury it in a traceback.
"""

import json
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np

from api.batch import scoring
from api.batch.ledger import Block, Ledger
from api.batch.model import Loader
from api.batch.places import Item, Place
from api.batch.scoring import Draft
from api.loading import warm_sizes
from images import SHAPE
from process.errors import Failure

Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """The first step: from the names of a block to its pixels."""

    place: Place

    def __call__(self, row: Row) -> Row:
        """Read and decode a block."""
        try:
            drafts, pixels = scoring.prepare(self.place, _items(row))
        except Failure as error:
            return {**row, "drafts": b"", "pixels": b"", "failure": str(error)}
        said = json.dumps([asdict(draft) for draft in drafts])
        return {**row, "drafts": said.encode(), "pixels": pixels.tobytes(), "failure": ""}


class Scorer:
    """The second step, in a process that keeps the model: from pixels to committed results."""

    def __init__(self, ledger: Ledger, loader: Loader, max_batch: int) -> None:
        self._ledger = ledger
        self._job = loader.job
        self._max_batch = max_batch
        self._failure = ""
        try:
            self._snapshot = loader.load(warm_sizes(max_batch))
        except Failure as error:
            self._failure = str(error)

    def __call__(self, row: Row) -> Row:
        """Answer a block; what is left of it is how many files had an answer."""
        failure = self._failure or row["failure"]
        if not failure:
            try:
                return self._score(row)
            except Failure as error:
                failure = str(error)
        return {"images": 0, "answered": 0, "failure": failure}

    def _score(self, row: Row) -> Row:
        drafts = [Draft(**draft) for draft in json.loads(row["drafts"])]
        pixels = np.frombuffer(row["pixels"], np.uint8).reshape(-1, *SHAPE)
        found = scoring.answer(self._snapshot, drafts, pixels, self._max_batch)
        self._ledger.commit(self._job, Block(row["number"], _items(row)), found)
        answered = sum(result.reason is None for result in found)
        return {"images": len(found), "answered": answered, "failure": ""}


def packed(block: Block) -> Row:
    """The row of a block that nothing was done with yet; Arrow takes no names but Unicode."""
    items = json.dumps([astuple(item) for item in block.items])
    return {"number": block.number, "items": items.encode()}


def _items(row: Row) -> tuple[Item, ...]:
    return tuple(Item(*item) for item in json.loads(row["items"]))

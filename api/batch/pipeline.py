"""A batch on Ray Data: tasks read and decode blocks of files, actors answer and write them.

A row of the data set is a whole block, which Ray never splits, so that its results are always those
of one commit. Ray repeats a task whose process has died; to commit a block again changes nothing.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence

import ray
import ray.data

from api.batch.errors import Unfinished
from api.batch.ledger import Block, Ledger
from api.batch.model import Loader
from api.batch.steps import Reader, Scorer, packed
from images import MAX_PIXELS

GO_ON = "what was scored is kept, and the same command goes on"

# What the largest image takes while it is decoded, so that Ray starts no more such tasks than fit.
DECODING = 24 * MAX_PIXELS  # bytes


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
        Unfinished: something ended it, in one of the processes.
    """
    # What goes wrong is raised here, too.
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    ray.data.DataContext.get_current().enable_progress_bars = False
    resources = ray.cluster_resources()
    gpus = int(scorer[1].job.runtime == "tensorflow" and "GPU" in resources)
    decoding = min(DECODING, resources["memory"])  # on a small machine, one at a time
    rows = [packed(block) for block in blocks]
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
        for counts in dataset.iter_rows():
            if failure := counts.pop("failure"):
                raise Unfinished(f"{failure}; {GO_ON}")
            yield counts
    except ray.exceptions.RayError as error:
        raise Unfinished(f"Ray has ended the batch: {error}; {GO_ON}") from error

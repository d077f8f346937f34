"""``python -m api.batch SOURCE``: score a folder or a bucket of images, each exactly once.

A batch that was interrupted goes on when the same command is given again.
"""

import sys
from collections import Counter
from collections.abc import Sequence

from api.batch.errors import BadSource
from api.batch.ledger import Asked, Block, Job, Ledger, opened
from api.batch.model import Loader, Origin, begin
from api.batch.places import Place, open_place
from api.batch.progress import Progress
from api.batch.settings import BatchSettings
from api.batch.steps import Reader
from api.ray.local import local_cluster, require
from api.settings import ModelSettings
from classifier.cores import cores
from process.command import run
from process.logs import LogSettings, configure
from process.settings import parse, read
from registry.settings import RegistrySettings

SHARED = (ModelSettings, RegistrySettings, LogSettings)


def main(argv: Sequence[str]) -> int:
    """Score what is not scored yet, and return 0 when everything is."""
    settings = parse("api.batch", __doc__ or "", BatchSettings, SHARED, argv, positional="source")
    configure(read(LogSettings))
    require()
    registry, model = read(RegistrySettings), read(ModelSettings)
    place = open_place(settings.source, registry.timeout)
    asked = asked_for(place, settings, model)
    with opened(settings.output) as ledger:
        origin = Origin(model, registry, ledger.cache)
        job = ledger.job(asked) or list_and_begin(ledger, asked, place, origin)
        tally = finish(ledger, job, place, origin, settings)
        ledger.complete()
    sys.stdout.write(
        f"{job.images:,} images: {tally['answered']:,} answered by {job.version[:12]} "
        f"({job.runtime}, {job.precision}), {job.images - tally['answered']:,} that cannot be "
        f"read; in {settings.output / 'results'}\n"
    )
    return 0


def asked_for(place: Place, settings: BatchSettings, model: ModelSettings) -> Asked:
    """What the settings ask for, apart from how it is done."""
    return Asked(
        str(place),
        settings.format,
        settings.threshold,
        settings.block,
        model.version,
        model.runtime,
        model.precision,
    )


def list_and_begin(ledger: Ledger, asked: Asked, place: Place, origin: Origin) -> Job:
    """Write down every image that there is now, and what answers them."""
    items = sorted(place.list(), key=lambda item: item.name)
    if not items:
        raise BadSource(f"there is no file in {asked.source}: put images there, or name another")
    job = begin(asked, origin, len(items))
    ledger.begin(job, items)
    return job


def finish(
    ledger: Ledger, job: Job, place: Place, origin: Origin, settings: BatchSettings
) -> Counter[str]:
    """Score the blocks that are left; how many images there are, and are answered, in all."""
    tally: Counter[str] = Counter()
    left: list[Block] = []
    for block in ledger.blocks(job):
        found = ledger.finished(job, block)
        if found is None:
            left.append(block)
        else:
            tally["images"] += len(found)
            tally["answered"] += sum(result.reason is None for result in found)
    if not left:
        return tally
    loader = Loader(origin, origin.wanted(job.version), job)
    terminal = sys.stderr if sys.stderr.isatty() else None
    progress = Progress(job.images, tally["images"], terminal)
    with local_cluster(cores() + settings.models):
        # Ray must find its environment when it is imported.
        from api.batch.pipeline import score

        scorer = (ledger, loader, settings.max_batch)
        for counts in score(left, Reader(place), scorer, settings.models):
            tally.update(counts)
            progress.add(counts["images"])
    progress.close()
    return tally


if __name__ == "__main__":
    sys.exit(run("api.batch", main))

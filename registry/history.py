"""What happened to a stage: its log, and what the log says about rolling back.

The log is derived. A record is born as the metadata of the stage's model object; whoever is
about to replace it makes sure first that the log has it, and whoever wrote it adds it at once. So
every record is in the stage or in its log, and the next actor fills in what a killed one left out.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from registry import document, names, objects
from registry.backend import Backend, Blob
from registry.errors import Corrupt, NotFound
from registry.record import Stage, StageRecord
from registry.trust import Trust

logger = logging.getLogger(__name__)


class Log:
    """The logs of all stages.

    Args:
        backend: where they lie.
        trust: whose signatures count in that of production; None for a registry without any.
    """

    def __init__(self, backend: Backend, trust: Trust | None = None) -> None:
        self._backend = backend
        self._trust = trust

    def add(self, record: StageRecord) -> None:
        """Make sure that the log has ``record``.

        Raises:
            Corrupt: the log has another one under its number.
        """
        name = names.log_entry(record.stage, record.sequence)
        objects.ensure(self._backend, name, document.encode(record))

    def entry(self, stage: Stage, sequence: int) -> StageRecord | None:
        """The record of that number, if the log has it."""
        blob = self._backend.stat(names.log_entry(stage, sequence))
        return self._read(stage, blob) if blob else None

    def readable(self, stage: Stage) -> Iterator[StageRecord]:
        """Every record that is not damaged, newest first."""
        return self._each(stage, self._read)

    def trusted(self, stage: Stage) -> Iterator[StageRecord]:
        """The records to build on, newest first; those that anybody may have written are left out.

        They are read one by one as they are asked for.
        """
        return self._each(stage, self.verified)

    def last(self, stage: Stage) -> StageRecord | None:
        """The newest record to build on."""
        return next(self.trusted(stage), None)

    def highest(self, stage: Stage) -> int:
        """The highest number that is taken in the log, by whomever; 0 if none is."""
        stems = (PurePosixPath(blob.name).stem for blob in self._backend.list(names.log(stage)))
        return max((int(stem) for stem in stems if stem.isdecimal()), default=0)

    def verified(self, stage: Stage, blob: Blob) -> StageRecord:
        """The record in an object of the log, signed where it has to be.

        Raises:
            Corrupt: it is no record of this place; as Untrusted: it is not signed.
        """
        record = self._read(stage, blob)
        if self._trust and stage == "production":
            self._trust.check_record(record, blob.name)
        return record

    def _each(
        self, stage: Stage, read: Callable[[Stage, Blob], StageRecord]
    ) -> Iterator[StageRecord]:
        for blob in reversed(list(self._backend.list(names.log(stage)))):
            try:
                record = read(stage, blob)
            except Corrupt as error:
                logger.warning("not taken into account: %s", error)
                continue
            yield record

    def _read(self, stage: Stage, blob: Blob) -> StageRecord:
        name = blob.name
        record = document.decode(StageRecord, objects.content(self._backend, blob), name)
        if names.log_entry(record.stage, record.sequence) != name or record.stage != stage:
            raise Corrupt(f"{name} holds record {record.sequence} of {record.stage}")
        return record


def standing(records: Iterable[StageRecord]) -> list[str]:
    """The versions that a rollback goes back through; the last one is in the stage.

    Args:
        records: every record of a stage, oldest first.

    A promotion puts its version on top. A rollback takes away what lies above the version that it
    went to: what was rolled back from is never rolled back to, unless somebody names it.
    """
    versions: list[str] = []
    for record in records:
        _follow(versions, record)
    return versions


def latest(records: Iterable[StageRecord], version: str = "") -> StageRecord:
    """The last record of a version, or of any.

    Args:
        records: newest first; they are read only as far as need be.
        version: the version; empty for any.

    Raises:
        NotFound: there is none.
    """
    for record in records:
        if record.version == version or not version:
            return record
    if not version:
        raise _nothing_earlier()
    raise NotFound(
        f"{version} never was in production, as far as the log can be read: only a promotion can "
        "put it there"
    )


def earlier(records: Iterable[StageRecord]) -> StageRecord:
    """The last record of the version that stands below the one in the stage.

    Args:
        records: newest first; they are read only as far as need be.

    Raises:
        NotFound: there is none.
    """
    read: list[StageRecord] = []
    for record in records:
        read.append(record)
        versions = _standing_since(reversed(read))
        if len(versions) > 1:
            return latest(read, versions[-2])
    versions = standing(reversed(read))
    if len(versions) > 1:
        return latest(read, versions[-2])
    raise _nothing_earlier()


def _standing_since(records: Iterable[StageRecord]) -> list[str]:
    """Those on top that stand whatever was before the records; none where that matters."""
    versions: list[str] = []
    for record in records:
        if versions and record.action == "rollback" and record.version not in versions:
            return []
        _follow(versions, record)
    return versions


def _follow(versions: list[str], record: StageRecord) -> None:
    if record.action == "rollback" and record.version in versions:
        while versions[-1] != record.version:
            versions.pop()
    elif versions[-1:] != [record.version]:
        versions.append(record.version)


def _nothing_earlier() -> NotFound:
    return NotFound(
        "production held no earlier version: there is nothing to roll back to: promote one with "
        "`python -m registry promote VERSION --why WHY`"
    )

"""What happened to a stage: its log, and what the log says about rolling back.

The log is derived. A record is born as the metadata of the stage's model object; whoever is
about to replace it makes sure first that the log has it, and whoever wrote it adds it at once. So
every record is in the stage or in its log, and the next actor fills in what a killed one left out.
"""

import logging
from collections.abc import Iterable, Iterator

from registry import document, names, objects
from registry.backend import Backend
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
        name = names.log_entry(stage, sequence)
        return self._read(stage, name) if self._backend.stat(name) else None

    def entries(self, stage: Stage) -> list[StageRecord]:
        """Every record in the log, oldest first."""
        blobs = self._backend.list(names.log(stage))
        return [self._read(stage, blob.name) for blob in blobs]

    def trusted(self, stage: Stage) -> Iterator[StageRecord]:
        """The records to build on, newest first; those that anybody may have written are left out.

        They are read one by one as they are asked for.
        """
        for blob in reversed(list(self._backend.list(names.log(stage)))):
            try:
                record = self.verified(stage, blob.name)
            except Corrupt as error:
                logger.warning("not taken into account: %s", error)
                continue
            yield record

    def last(self, stage: Stage) -> StageRecord | None:
        """The newest record to build on."""
        return next(self.trusted(stage), None)

    def verified(self, stage: Stage, name: str) -> StageRecord:
        """The record of that name, signed where it has to be.

        Raises:
            Corrupt: it is no record of this place; as Untrusted: it is not signed.
        """
        record = self._read(stage, name)
        if self._trust and stage == "production":
            self._trust.check_record(record, name)
        return record

    def _read(self, stage: Stage, name: str) -> StageRecord:
        record = document.decode(StageRecord, objects.read(self._backend, name), name)
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
        if record.action == "rollback" and record.version in versions:
            while versions[-1] != record.version:
                versions.pop()
        elif versions[-1:] != [record.version]:
            versions.append(record.version)
    return versions


def earlier(records: Iterable[StageRecord], steps: int) -> str:
    """The version so many steps below the last one standing.

    Raises:
        NotFound: there are not so many.
    """
    versions = standing(records)
    if len(versions) <= steps:
        raise NotFound("production held no earlier version: there is nothing to roll back to")
    return versions[-1 - steps]

"""The one conditional write that changes a stage, and finding out what became of it.

A write has three outcomes: done, lost to another, unknown. Its operation id in the stage's record,
or in the log once others have followed, is what tells the first two apart; only if reading back
fails too is the third one reported.
"""

import logging
from dataclasses import dataclass

from registry import names, objects
from registry.backend import Backend, Blob
from registry.errors import (
    Conflict,
    Corrupt,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    RegistryError,
    Unreachable,
)
from registry.history import Log
from registry.record import Stage, StageRecord, StageState

logger = logging.getLogger(__name__)


def read_state(stage: Stage, blob: Blob) -> StageState:
    """What the object ``blob`` of a stage says of itself.

    Raises:
        Corrupt: it carries no record of this stage.
    """
    record = StageRecord.from_metadata(blob.metadata, blob.name)
    if record.stage != stage:
        raise Corrupt(f"{blob.name} carries a record of {record.stage}: it was copied by hand")
    return StageState(record, blob.generation)


@dataclass(frozen=True)
class Change:
    """A change of a stage that is to be made.

    Attributes:
        record: the record of the change.
        source: the version's model file.
        generation: what the stage's object must still be at; 0 for no object.
    """

    record: StageRecord
    source: Blob
    generation: int


class Switch:
    """Makes changes of stages."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._log = Log(backend)

    def make(self, change: Change, before: StageRecord | None) -> StageState:
        """Log the record of what goes, make the change, and log its own record.

        Raises:
            Conflict: another change was made first.
            OutcomeUnknown: nothing tells whether the change was made.
        """
        if before:
            self._log.add(before)
        state = self._write(change)
        try:
            self._log.add(change.record)
        except RegistryError as error:
            logger.warning("the change is made; the next actor will log it: %s", error)
        return state

    def _write(self, change: Change) -> StageState:
        name, record = names.stage(change.record.stage), change.record
        metadata = record.to_metadata()
        lost: RegistryError
        for _ in range(objects.TRIES):
            try:
                blob = self._backend.replace_if(name, change.source, metadata, change.generation)
                return StageState(record, blob.generation)
            except (PreconditionFailed, Unreachable) as error:
                lost = error
            state = self._read_back(change, lost)
            if state:
                return state
        # The write may still be on its way: "not yet" is not "never".
        raise _unknown(record, lost)

    def _read_back(self, change: Change, lost: RegistryError) -> StageState | None:
        """What became of a write whose answer was ``lost``; None if nothing did yet."""
        record = change.record
        try:
            blob = self._backend.stat(names.stage(record.stage))
            if (blob.generation if blob else 0) == change.generation:
                return None
            now = read_state(record.stage, blob) if blob else None
            if now and now.record.operation == record.operation:
                return now
            if now and now.record.sequence <= record.sequence:
                raise _conflict(now.record) from None
            # Whoever replaced the record of our number has logged it first.
            logged = self._log.entry(record.stage, record.sequence)
        except (Corrupt, Forbidden, NotFound, Unreachable) as error:
            raise _unknown(record, error) from lost
        if logged and logged.operation == record.operation:
            return StageState(record, generation=0)
        if now and logged:
            raise _conflict(now.record) from None
        raise _unknown(record, lost)


def _conflict(winner: StageRecord) -> Conflict:
    return Conflict(
        f"{winner.stage} was changed first by {winner.who} at {winner.when}: "
        f"it holds {winner.version} ({winner.why})",
        winner,
    )


def _unknown(record: StageRecord, cause: RegistryError) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"whether {record.stage} holds {record.version} now is not known: {cause}; "
        f"run `python -m registry show {record.stage}` and look for operation {record.operation}",
        record.operation,
    )

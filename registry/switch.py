"""The one conditional write that changes a stage, and finding out what became of it.

A write has three outcomes: done, lost to another, unknown. Its operation id in the stage's record,
or in the log once others have followed, is what tells the first two apart; only if reading back
fails too is the third one reported.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from registry import names, objects
from registry.backend import Backend, Blob
from registry.errors import (
    AlreadyThere,
    Conflict,
    Corrupt,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    PreconditionFailed,
    RegistryError,
    Unchanged,
    Unreachable,
)
from registry.history import Log
from registry.record import REPAIR, Action, Damaged, Grounds, Stage, StageRecord, StageState
from registry.sentence import sentence
from registry.trust import Trust, untrusted

logger = logging.getLogger(__name__)

# Object metadata holds 8 KiB in all on Google Cloud Storage.
SENTENCE_LENGTH = 500


@dataclass(frozen=True)
class Before:
    """What a change replaces.

    Attributes:
        stage: the stage.
        record: the last record that is known of it.
        generation: the generation of the object that is there; 0 for none.
        intact: whether the record is that object's own; if not, a person has emptied or
            overwritten the stage, or put an older object back.
    """

    stage: Stage
    record: StageRecord | None
    generation: int
    intact: bool


class Switch:
    """Makes changes of stages in somebody's name."""

    def __init__(
        self,
        backend: Backend,
        actor: str,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        trust: Trust | None,
    ) -> None:
        self._backend = backend
        self._actor = actor
        self._clock = clock
        self._new_id = new_id
        self._trust = trust
        self._log = Log(backend, trust)

    def before(self, stage: Stage) -> Before:
        """What a change made now would replace, whatever it is."""
        blob = self._backend.stat(names.stage(stage))
        if blob is None:
            return self.before_empty(stage)
        try:
            return self.before_state(read_state(stage, blob, self._trust))
        except Corrupt as error:
            return self.before_damaged(Damaged(stage, blob.generation, error))

    def before_empty(self, stage: Stage) -> Before:
        """What a change of an empty stage replaces."""
        return Before(stage, self._log.last(stage), generation=0, intact=False)

    def before_damaged(self, damaged: Damaged) -> Before:
        """What a change of a damaged stage replaces."""
        logger.warning("%s; it is about to be replaced", damaged.error)
        last = self._log.last(damaged.stage)
        return Before(damaged.stage, last, damaged.generation, intact=False)

    def before_state(self, state: StageState) -> Before:
        """What a change of a stage in this state replaces."""
        record = state.record
        last = self._log.last(record.stage)
        if last and last.sequence > record.sequence:
            return Before(record.stage, last, state.generation, intact=False)
        return Before(record.stage, record, state.generation, intact=True)

    def require_latest(self, state: StageState) -> None:
        """Check that nobody has put an older object back in place of a newer one.

        Raises:
            Untrusted: the log goes on behind what is in the stage.
        """
        record, last = state.record, self._log.last(state.record.stage)
        if last and last.sequence > record.sequence:
            raise untrusted(names.stage(record.stage), "replayed", REPAIR)

    def require_other(self, before: Before, version: str) -> None:
        """Check that a change to ``version`` would change something.

        Raises:
            AlreadyThere: the stage holds it already, whole and with its record.
        """
        if not (before.intact and before.record and before.record.version == version):
            return
        with contextlib.suppress(Corrupt, NotFound):
            blob = objects.find(self._backend, names.stage(before.stage))
            objects.require(self._backend, blob, version)
            raise AlreadyThere(f"{version} is in {before.stage} already: nothing was changed")

    def make(
        self, before: Before, action: Action, version: str, why: str, grounds: Grounds | None = None
    ) -> StageState:
        """Log the record of what goes, put the version there instead, and log its record.

        Raises:
            NotFound: there is no such version.
            Corrupt: the version's file is not what it was; or the log has another record in the
                place of the one that goes, which does not keep anybody from rolling back.
            Conflict: another change was made first.
            Unchanged: the disk is full, or something like it: the change was not made.
            OutcomeUnknown: nothing tells whether the change was made.
        """
        source = objects.find(self._backend, names.model(version))
        objects.require(self._backend, source, version)
        if before.record:
            self._log_replaced(before.record, action)
        record = self._record(before, action, version, why, grounds or Grounds())
        state = self._write(record, source, before.generation)
        try:
            self._log.add(record)
        except RegistryError as error:
            logger.warning("the change is made; the next actor will log it: %s", error)
        return state

    def _log_replaced(self, record: StageRecord, action: Action) -> None:
        try:
            self._log.add(record)
        except Corrupt as error:
            if action != "rollback":
                raise
            logger.warning("the rollback is made all the same: %s", error)

    def _record(
        self, before: Before, action: Action, version: str, why: str, grounds: Grounds
    ) -> StageRecord:
        # Where nothing before is trusted its numbers are still taken, and remembered by services.
        last = before.record.sequence if before.record else self._log.highest(before.stage)
        record = StageRecord(
            stage=before.stage,
            version=version,
            previous=before.record.version if before.record else "",
            sequence=last + 1,
            operation=self._new_id(),
            action=action,
            who=sentence(self._actor, SENTENCE_LENGTH),
            when=self._clock().isoformat(),
            why=sentence(why, SENTENCE_LENGTH),
            **asdict(grounds),
        )
        if self._trust and record.stage == "production":
            return self._trust.sign_record(record)
        return record

    def _write(self, record: StageRecord, source: Blob, generation: int) -> StageState:
        name, metadata = names.stage(record.stage), record.to_metadata()
        lost: RegistryError
        for _ in range(objects.TRIES):
            try:
                blob = self._backend.replace_if(name, source, metadata, generation)
                return StageState(record, blob.generation)
            except Unchanged:
                raise
            except (PreconditionFailed, Unreachable) as error:
                lost = error
            state = self._read_back(record, generation, lost)
            if state:
                return state
        # The write may still be on its way: "not yet" is not "never".
        raise _unknown(record, lost)

    def _read_back(
        self, record: StageRecord, generation: int, lost: RegistryError
    ) -> StageState | None:
        """What became of a write whose answer was ``lost``; None if nothing did yet."""
        try:
            blob = self._backend.stat(names.stage(record.stage))
            if (blob.generation if blob else 0) == generation:
                return None
            now = read_state(record.stage, blob, self._trust) if blob else None
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


def read_state(stage: Stage, blob: Blob, trust: Trust | None) -> StageState:
    """What the object ``blob`` of a stage says of itself.

    Raises:
        Corrupt: it carries no record of this stage.
        Untrusted: the stage is production, and the record is not signed as it has to be.
    """
    record = StageRecord.from_metadata(blob.metadata, blob.name)
    if record.stage != stage:
        raise Corrupt(f"{blob.name} carries a record of {record.stage}: it was copied by hand")
    if trust and stage == "production":
        trust.check_record(record, blob.name)
        if record.to_metadata() != dict(blob.metadata):
            raise untrusted(blob.name, "altered", REPAIR)  # other text that reads the same
    return StageState(record, blob.generation)


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

"""The rules of the registry: what a version is, and how one gets into a stage.

The rules hold on every back end. What makes them safe among many writers is written down in
:mod:`registry.switch` and :mod:`registry.history`.
"""

import hashlib
import io
import itertools
import logging
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from registry import audit, disk, document, evidence, identity, names, objects, variants
from registry.backend import Backend, Blob, Diagnosis
from registry.card import Card, require_same_answers
from registry.errors import (
    Conflict,
    Corrupt,
    NotFound,
    RegistryError,
    Unwritable,
)
from registry.evidence import Evidence
from registry.history import Log, earlier, latest
from registry.record import Damaged, Grounds, Stage, StageRecord, StageState
from registry.roles import Role
from registry.switch import Before, Switch, read_state
from registry.trust import Trust
from registry.verdict import Variant, Verdict

logger = logging.getLogger(__name__)

# How often one publish may lose the race to others before it gives up.
PUBLISH_TRIES = 16

# Others hold the lock of a folder that is fetched to for as long as it takes to make a file.
TARGET_TIMEOUT = 60  # seconds


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


class Registry:
    """Versions of models, and which of them is in which stage.

    Args:
        backend: where the objects lie.
        actor: who is recorded as the author of changes; if empty, ``user@host``.
        clock: the time now, UTC.
        new_id: a new unique id for each call.
        trust: whose signatures count in production; None for a registry without signatures.

    Every method may raise Forbidden or Unreachable.
    """

    def __init__(
        self,
        backend: Backend,
        actor: str,
        clock: Callable[[], datetime] = _now,
        new_id: Callable[[], str] = _new_id,
        trust: Trust | None = None,
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._new_id = new_id
        self._trust = trust
        actor = actor or f"{identity.user()}@{socket.gethostname()}"
        self._switch = Switch(backend, actor, clock, new_id, trust)
        self._log = Log(backend, trust)

    def publish(self, model: Path, card: Card, why: str) -> StageState:
        """Keep a model and its card as a version, and put it into testing.

        A version that exists already keeps its first card.

        Raises:
            CardDiffers: the version exists with other classes or another threshold.
            Corrupt: the card is of another file, or the version exists with other bytes.
            Conflict: others published again and again in the meantime.
        """
        self._keep(model, card)
        for left in reversed(range(PUBLISH_TRIES)):
            try:
                before = self._switch.before("testing")
                return self._switch.make(before, "publish", card.version, why)
            except Conflict:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def promote(
        self, version: str, against: StageState | Damaged | None, why: str, force: bool = False
    ) -> StageState:
        """Put a version into production.

        Args:
            version: the version.
            against: what production held when the version was compared with it; None for an
                empty production, and Damaged to replace what nobody could compare it with. If
                production holds anything else by now, nothing is changed.
            why: a sentence for the record.
            force: promote without a passing verdict; the record says so.

        Raises:
            NotPromotable: the gate's latest verdict on the version is missing or does not pass.
            Conflict: production holds something else than ``against``; the winner is attached.
            OutcomeUnknown: nothing tells whether the version is in production.
            NotFound: there is no such version.
            Corrupt: the version's file does not hash to its name; as Untrusted: the gate has not
                signed the verdict, or card or verdict were altered since.
        """
        if force:
            why = f"{why} (forced: no passing verdict was asked for)"
        grounds = self._grounds(version, force)
        return self._switch.make(self._before(against), "promote", version, why, grounds)

    def rollback(self, why: str, to: str | None = None) -> StageState:
        """Put a version back into production that was there before.

        Without ``to`` it is the one that stood before the current one: two rollbacks in a row go
        back two steps. If production was emptied or overwritten by hand, it is the last one that
        the log knows.

        Raises:
            NotFound: there is nothing to go back to, or ``to`` never was in production.
            AlreadyThere: ``to`` is what production holds.
            Conflict, OutcomeUnknown, Corrupt: as :meth:`promote`.
        """
        before = self._switch.before("production")
        if to:
            self._switch.require_other(before, to)
        target = self._rollback_target(before, to)
        self.examine(target, self.evidence(target))
        return self._switch.make(before, "rollback", target.version, why, target.grounds)

    def current(self, stage: Stage) -> StageState | None:
        """What is in the stage, or None.

        Raises:
            Corrupt: there is a model without a valid record, as one put there by hand; as
                Untrusted: the record of production is not signed as it has to be.
        """
        blob = self._backend.stat(names.stage(stage))
        return read_state(stage, blob, self._trust) if blob else None

    def inspect(self, stage: Stage) -> StageState | Damaged | None:
        """What is in the stage, or None; what is wrong with it does not raise.

        This takes longer than :meth:`current`, as it also finds an older object that was put back.
        """
        blob = self._backend.stat(names.stage(stage))
        if blob is None:
            return None
        try:
            state = read_state(stage, blob, self._trust)
            self._switch.require_latest(state)
        except Corrupt as error:
            now = self._backend.stat(blob.name)
            if now and now.generation == blob.generation:
                return Damaged(stage, blob.generation, error)
            return self.inspect(stage)  # it was changed while it was read
        return state

    def history(self, stage: Stage) -> list[StageRecord]:
        """Every change of the stage, newest first.

        Raises:
            Corrupt: the stage's record is not valid. A log entry that is not is left out.
        """
        # The stage first: what it holds is logged before it is replaced, so nothing is missed.
        state = self.current(stage)
        records = {record.sequence: record for record in self._log.readable(stage)}
        if state:
            records[state.record.sequence] = state.record
        return [records[sequence] for sequence in sorted(records, reverse=True)]

    def versions(self) -> list[str]:
        """Every version that has both its file and its card, oldest first."""
        blobs = {blob.name: blob for blob in self._backend.list(names.VERSIONS)}
        found = {name.split("/")[1] for name in blobs}
        complete = [
            version
            for version in filter(names.is_version, found)
            if names.model(version) in blobs and names.card(version) in blobs
        ]
        return sorted(complete, key=lambda version: blobs[names.model(version)].generation)

    def card(self, version: str) -> Card:
        """The card of a version.

        Raises:
            NotFound: there is no such version.
            Corrupt: the card is not valid, or is of another version.
        """
        return evidence.read_card(version, evidence.card_document(self._backend, version))

    def evidence(self, source: StageRecord | str) -> Evidence:
        """What speaks for serving a version, to be examined: now, or later from a copy.

        Args:
            source: a record of production, or a version.

        Raises:
            NotFound: a document is missing.
        """
        return evidence.gather(self._backend, source)

    def examine(self, source: StageRecord | str, found: Evidence) -> Card:
        """Check that a version may be served; its card. This reads nothing of the registry.

        Args:
            source: a record of production, which must be signed and speak of these very
                documents; or a version, whose verdict must be signed and pass.
            found: the evidence.

        Raises:
            Untrusted: what has to be signed is not.
            NotPromotable: the version alone was given, and the gate has not let it pass.
            Corrupt: the card is not valid, or is of another version.
        """
        version = source if isinstance(source, str) else source.version
        if self._trust and isinstance(source, str):
            evidence.require_passed(version, found, self._trust)
        elif self._trust and isinstance(source, StageRecord):
            self.check(source)
            evidence.require_named_by(source, found)
        return evidence.read_card(version, found.card)

    def check(self, record: StageRecord) -> None:
        """Check a record of production that was kept somewhere else.

        Raises:
            Untrusted: it is not signed as it has to be.
        """
        if self._trust:
            self._trust.check_record(record, f"record {record.sequence} of production")

    def fetch(self, source: StageState | str, target: Path) -> Path:
        """Copy a model to ``target``, which is replaced only by a whole and verified file.

        Args:
            source: a stage's state, for the stage's file as it was then, or a version.
            target: the file to write; its folder is made if need be.

        Raises:
            NotFound: there is no such version, or the stage holds another file by now.
            Corrupt: the bytes are not those of the version.
            Unwritable: ``target`` cannot be written.
        """
        blob, version = self._wanted(source)
        try:
            with disk.replacing(target, TARGET_TIMEOUT) as file:
                self._backend.read(blob, file)
                file.seek(0)
                objects.require_digest(
                    hashlib.file_digest(file, "sha256").hexdigest(), version, blob.name
                )
        except OSError as error:
            raise Unwritable(f"{target} cannot be written: {error.strerror}") from error
        return target

    def variants(self, source: StageRecord | str, found: Evidence) -> tuple[Variant, ...]:
        """The variants that may serve in the model's place, as :meth:`examine` has it.

        There are none where nothing is signed: ONNX has no safe mode.
        """
        self.examine(source, found)
        return variants.passed(source, found) if self._trust else ()

    def variant(self, version: str, verdict: str, variant: Variant) -> bytes:
        """The file of a variant, which must be what the verdict of that id names, or Corrupt."""
        return variants.read(self._backend, version, verdict, variant)

    def new_verdict_id(self) -> str:
        """A new id for a verdict; later ones sort behind."""
        return f"{self._clock():%Y%m%dT%H%M%S%fZ}-{self._new_id()[:8]}"

    def add_verdict(self, verdict: Verdict, attachments: Mapping[str, bytes]) -> str:
        """Write a verdict beside its version, signed, and return the prefix of its objects.

        The verdict itself is written last: where it is, its attachments and its signature are.

        Raises:
            NotFound: there is no such version.
            Corrupt: the id is taken by another verdict.
            BadKey: there are signatures here, and this process has no private key.
        """
        version, content = verdict.version, document.encode(verdict)
        objects.find(self._backend, names.model(version))
        prefix = f"{names.verdicts(version)}{verdict.id}/"
        attached = {f"{prefix}{name}": each for name, each in attachments.items()}
        if self._trust:
            card = evidence.card_document(self._backend, version)
            found = Evidence(card, content.decode(), id=verdict.id)
            signature = evidence.sign(version, found, self._trust)
            attached[names.signature(version, verdict.id)] = signature.encode()
        for name, each in attached.items():
            objects.ensure(self._backend, name, each)
        objects.ensure(self._backend, names.verdict(version, verdict.id), content)
        return prefix

    def verdicts(self, version: str) -> list[Verdict]:
        """The gate's verdicts on a version, oldest first.

        Raises:
            Corrupt: one of them is not valid, or is on another version.
        """
        return [self._verdict(version, id) for id in evidence.verdict_ids(self._backend, version)]

    def check_verdict(self, version: str) -> None:
        """Check that the gate signed its latest verdict on a version, and the card it judged by.

        Raises:
            Untrusted: it is not signed as it has to be.
        """
        if self._trust:
            evidence.require_signed(version, self.evidence(version), self._trust)

    def verify(self) -> list[str]:
        """Read everything; return a sentence for each thing that is wrong."""
        return list(dict.fromkeys(audit.problems(self, self._backend, self._trust)))

    def doctor(self, role: Role | None = None) -> Diagnosis:
        """Say who we are to the registry, what of a role we may do, and what stands in the way."""
        diagnosis = self._backend.diagnose(role)
        if diagnosis.problems:
            return diagnosis
        return replace(diagnosis, problems=tuple(self._unreadable_stages()))

    def _keep(self, model: Path, card: Card) -> None:
        with model.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != card.version:
                raise Corrupt(f"{model} hashes to {found}, but its card is of {card.version}")
            objects.create_once(self._backend, names.model(card.version), file)
        content = io.BytesIO(document.encode(card))
        if not objects.create_once(self._backend, names.card(card.version), content):
            logger.info("version %s was published before and keeps its first card", card.version)
            require_same_answers(card, self.card(card.version))

    def _grounds(self, version: str, force: bool) -> Grounds:
        if force:
            found = evidence.of_verdict(self._backend, version, "")
            grounds = Grounds(found.card_sha256, forced=True)
        else:
            found = self.evidence(version)
            grounds = evidence.require_passed(version, found, self._trust)
        evidence.read_card(version, found.card)
        return grounds

    def _before(self, against: StageState | Damaged | None) -> Before:
        if against is None:
            return self._switch.before_empty("production")
        if isinstance(against, Damaged):
            return self._switch.before_damaged(against)
        return self._switch.before_state(against)

    def _rollback_target(self, before: Before, to: str | None) -> StageRecord:
        """The last record of the version to go back to, with the grounds on which it was let in."""
        now = before.record
        records = itertools.chain(
            [now] if now else [],
            (
                record
                for record in self._log.trusted("production")
                if now and record.sequence < now.sequence
            ),
        )
        return earlier(records) if before.intact and not to else latest(records, to or "")

    def _unreadable_stages(self) -> Iterator[str]:
        for stage in get_args(Stage):
            try:
                self.current(stage)
            except RegistryError as error:
                yield str(error)

    def _wanted(self, source: StageState | str) -> tuple[Blob, str]:
        if isinstance(source, str):
            return objects.find(self._backend, names.model(source)), source
        blob = objects.find(self._backend, names.stage(source.record.stage))
        if blob.generation != source.generation:
            raise NotFound(f"{blob.name} was replaced since it held {source.record.version}")
        return blob, source.record.version

    def _verdict(self, version: str, id: str) -> Verdict:
        content = objects.read(self._backend, names.verdict(version, id))
        return evidence.read_verdict(version, id, content)

"""The record of what is in a stage, kept as the metadata of the stage's own model object."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from registry.errors import Corrupt

Stage: TypeAlias = Literal["testing", "production"]
Action: TypeAlias = Literal["publish", "promote", "rollback"]


REPAIR = (
    "sign a version with `python -m registry promote VERSION --why WHY` (--force if it has no "
    "signed verdict), go back with `python -m registry rollback --why WHY`, or let the gate "
    "replace it with GATE_REPLACE_BROKEN=true"
)

Digest: TypeAlias = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]  # SHA-256, or empty


@dataclass(frozen=True)
class Grounds:
    """On what a version was let into production.

    Attributes:
        card_sha256: SHA-256 of its card.
        verdict: the id of the gate's verdict; empty if nobody asked for one.
        verdict_sha256: SHA-256 of the verdict's document.
        forced: whether a person let it in without a verdict.
    """

    card_sha256: str = ""
    verdict: str = ""
    verdict_sha256: str = ""
    forced: bool = False


@dataclass(frozen=True)
class StageRecord:
    """One change of a stage: which version is in it, and who put it there when and why.

    Attributes:
        stage: ``testing`` or ``production``.
        version: SHA-256 of the model file.
        previous: the version that it replaced; empty for the first.
        sequence: 1 for the first change of the stage, and one more for each that follows.
        operation: a unique id of the change, by which a writer recognises its own.
        action: ``publish``, ``promote`` or ``rollback``.
        who: the identity that made the change.
        when: ISO 8601, UTC.
        why: a sentence.
        card_sha256, verdict, verdict_sha256, forced: see :class:`Grounds`; empty in testing.
        signature: over all of the above; empty in testing.
    """

    stage: Stage
    version: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    previous: Digest
    sequence: Annotated[int, Field(gt=0)]
    operation: str
    action: Action
    who: str
    when: str
    why: str
    card_sha256: Digest = ""
    verdict: str = ""
    verdict_sha256: Digest = ""
    forced: bool = False
    signature: str = ""

    @property
    def grounds(self) -> Grounds:
        """On what the version was let in."""
        return Grounds(self.card_sha256, self.verdict, self.verdict_sha256, self.forced)

    def to_metadata(self) -> dict[str, str]:
        """The record as object metadata, which holds strings alone."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> "StageRecord":
        """Read a record back.

        Raises:
            Corrupt: the metadata is no record, as when the object ``name`` was written by hand.
        """
        try:
            return _ADAPTER.validate_python(dict(metadata))
        except ValidationError as error:
            fields = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors()}))
            raise Corrupt(
                f"{name} carries no valid record ({fields}), so a person put it there or changed "
                f"it: if it is in testing, publish again; else {REPAIR}"
            ) from None


_ADAPTER = TypeAdapter(StageRecord)


@dataclass(frozen=True)
class StageState:
    """What is in a stage now: its record, and the generation that a change is conditional on.

    Attributes:
        record: the record.
        generation: the back end's number of the stage object's content; 0 for a change that was
            made and replaced by another before its maker could read the number back.
    """

    record: StageRecord
    generation: int


@dataclass(frozen=True)
class Damaged:
    """A stage that holds something which is not what it should be.

    Attributes:
        stage: the stage.
        generation: the back end's number of what is there.
        error: what is wrong with it.
    """

    stage: Stage
    generation: int
    error: Corrupt

"""A registry as a value: what each call to it may answer, and what it is after that.

It is written from the contract alone and shares no code with :mod:`registry`.
"""

from dataclasses import dataclass, replace
from typing import Literal

What = Literal["publish", "promote", "rollback", "look", "history"]
Kind = Literal["done", "lost", "there", "nothing", "read", "unknown", "failed"]


@dataclass(frozen=True)
class Call:
    """What a client asks for.

    Attributes:
        what: the operation; ``look`` and ``history`` are of production.
        version: to publish, to promote, or to roll back to if it is given.
        against: of a promotion, the operation that the client saw in production; empty for none.
    """

    what: What
    version: str = ""
    against: str = ""


@dataclass(frozen=True)
class Change:
    """One change of a stage."""

    operation: str
    version: str
    previous: str
    sequence: int


@dataclass(frozen=True)
class Answer:
    """What a client was told.

    Attributes:
        kind: ``done``; ``lost`` to another; the version is ``there`` already; ``nothing`` to roll
            back to; ``read``; ``unknown``; ``failed`` before anything was changed.
        change: of what is done, its record.
        operations: of what was read, newest first; of what was lost, the winner; of an unknown
            outcome, its own.
    """

    kind: Kind
    change: Change | None = None
    operations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """Both stages.

    Attributes:
        testing: its changes, oldest first.
        production: its changes, oldest first.
        standing: the versions that rollbacks go back through, the current one last.
    """

    testing: tuple[Change, ...] = ()
    production: tuple[Change, ...] = ()
    standing: tuple[str, ...] = ()

    @property
    def current(self) -> tuple[str, ...]:
        """The operation that put there what is in production, if anything is."""
        return tuple(change.operation for change in self.production[-1:])

    def after(self, call: Call, operation: str) -> "Model | None":
        """What a call makes of it under that operation's id; None if it would change nothing."""
        match call.what:
            case "publish":
                change = _next(self.testing, operation, call.version)
                return replace(self, testing=(*self.testing, change))
            case "promote" if self.current == tuple(filter(None, [call.against])):
                return self._holding(operation, call.version, self._with(call.version))
            case "rollback" if call.version in self._earlier:
                return self._holding(operation, call.version, self._back_to(call.version))
            case "rollback" if not call.version and len(self.standing) > 1:
                return self._holding(operation, self.standing[-2], self.standing[:-1])
        return None

    def answering(self, call: Call, answer: Answer) -> list["Model"]:
        """What it may be after it gave that answer to a call; nothing if it cannot have."""
        match answer.kind:
            case "done" if answer.change:
                new = self.after(call, answer.change.operation)
                stage = "testing" if call.what == "publish" else "production"
                return [new] if new and getattr(new, stage)[-1] == answer.change else []
            case "unknown":
                new = self.after(call, answer.operations[0])
                return [self, new] if new else [self]
            case "failed":
                return [self]
        return [self] if self._tells(call, answer) else []

    def _tells(self, call: Call, answer: Answer) -> bool:
        match answer.kind, call.what:
            case "read", "look":
                return answer.operations == self.current
            case "read", "history":
                return answer.operations == tuple(each.operation for each in self.production[::-1])
            case "lost", "promote":
                return self.current == answer.operations != (call.against,)
            case "lost", "rollback":
                # It lost to what came between its two looks; where it may is not told here.
                return self.current == answer.operations
            case "there", "rollback":
                return self.standing[-1:] == (call.version,)
            case "nothing", "rollback":
                return len(self.standing) < 2
        return False

    @property
    def _earlier(self) -> set[str]:
        """The versions that were in production and are not there now."""
        return {change.version for change in self.production} - set(self.standing[-1:])

    def _holding(self, operation: str, version: str, standing: tuple[str, ...]) -> "Model":
        change = _next(self.production, operation, version)
        return replace(self, production=(*self.production, change), standing=standing)

    def _with(self, version: str) -> tuple[str, ...]:
        on_top = self.standing[-1:] == (version,)
        return self.standing if on_top else (*self.standing, version)

    def _back_to(self, version: str) -> tuple[str, ...]:
        if version not in self.standing:
            return (*self.standing, version)
        last = len(self.standing) - self.standing[::-1].index(version)
        return self.standing[:last]


def _next(changes: tuple[Change, ...], operation: str, version: str) -> Change:
    previous = changes[-1].version if changes else ""
    return Change(operation, version, previous, len(changes) + 1)

"""What a run of the torture has done, for a person."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.registry.torture.linearizability import Event


@dataclass
class Figures:
    """Counts.

    Attributes:
        states: of a disk after a power cut, put there and checked.
        histories: of concurrent clients, found linearizable.
        sequences: of calls, compared with the model.
        faults: requests, operations or answers that were lost, and actors that were killed.
        calls: of all clients.
        wins: changes that were reported as made, and were.
        losses: changes that were reported as lost to another, and were not made.
        unknowns: changes whose outcome was reported as unknown.
        violations: what was wrong.
    """

    states: set[str] = field(default_factory=set)
    histories: int = 0
    sequences: int = 0
    faults: int = 0
    calls: int = 0
    wins: int = 0
    losses: int = 0
    unknowns: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, events: Iterable[Event], faults: int = 0) -> None:
        """Count what clients were told."""
        self.faults += faults
        for event in events:
            self.calls += 1
            self.wins += event.answer.kind == "done"
            self.losses += event.answer.kind == "lost"
            self.unknowns += event.answer.kind == "unknown"

    def __str__(self) -> str:
        counts = {
            "states of the disk": len(self.states),
            "histories": self.histories,
            "sequences": self.sequences,
            "calls": self.calls,
            "faults": self.faults,
            "wins": self.wins,
            "losses": self.losses,
            "unknown": self.unknowns,
            "violations": len(self.violations),
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items())

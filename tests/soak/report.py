"""What a soak has found, for a person."""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

NAMED = 5  # violations of a kind


@dataclass
class Report:
    """Figures and violations, printed as they come.

    Attributes:
        violations: in sentences.
        begun: on the monotonic clock.
    """

    violations: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def figure(self, phase: str, what: str) -> None:
        """Note what was seen."""
        self._print(f"{phase}: {what}")

    def require(self, phase: str, found: Iterable[str]) -> None:
        """Note what should not have been seen."""
        sentences = [f"{phase}: {each}" for each in found]
        for sentence in sentences[:NAMED]:
            self._print(f"VIOLATION {sentence}")
        self.violations += sentences

    def _print(self, line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - self.begun:5.0f} s  {line}\n")
        sys.stdout.flush()

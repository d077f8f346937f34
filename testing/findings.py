"""What the gate finds out about a candidate, check by check."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from registry.verdict import Check, Variant
from testing.calibration import Calibration
from testing.comparison import Comparison
from testing.robustness import Robustness
from testing.scoring import Scores
from testing.slices import SliceScores

LONGEST_REASON = 300  # characters; TensorFlow quotes whole graphs


class Unfit(Exception):
    """A check failed without which the next ones mean nothing; it is among the findings."""


@dataclass(frozen=True)
class Mistake:
    """A held-out image that the candidate answers wrongly.

    Attributes:
        index: its place among the held-out images.
        truth: its class.
        answer: the class that the candidate gave.
        confidence: the probability that the candidate gave it.
    """

    index: int
    truth: str
    answer: str
    confidence: float


@dataclass
class Findings:
    """Gathered while a candidate is judged; what a failed check kept from being made is None.

    Attributes:
        folder: where model files were put while they were asked; sentences leave it out.
        checks: each check, in the order in which it was made.
        size: the model file, in bytes.
        latency: milliseconds for one image.
        scores: the figures on held-out images.
        calibration: whether its confidence means what it says.
        comparison: the candidate against production.
        robustness: its accuracy on damaged images.
        rival_robustness: production's accuracy on them.
        slices: the figures of each slice, by name.
        mistakes: the worst mistakes, worst first.
        images_per_second: of the model in batches, to compare variants with.
        variants: what became of each variant.
        files: the files of those that passed, by name.
    """

    folder: Path
    checks: list[Check] = field(default_factory=list)
    size: int | None = None
    latency: float | None = None
    scores: Scores | None = None
    calibration: Calibration | None = None
    comparison: Comparison | None = None
    robustness: Robustness | None = None
    rival_robustness: Robustness | None = None
    slices: dict[str, SliceScores] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    images_per_second: float | None = None
    variants: list[Variant] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.passed for check in self.checks)

    @property
    def metrics(self) -> dict[str, Any]:
        """All figures as a JSON-like document."""
        return {
            **(asdict(self.scores) if self.scores else {}),
            "calibration": asdict(self.calibration) if self.calibration else None,
            "comparison": asdict(self.comparison) if self.comparison else None,
            **self._robustness(),
            "slices": {name: _slice(each) for name, each in self.slices.items()},
            "latency_ms": self.latency,
            "images_per_second": self.images_per_second,
            "size_bytes": self.size,
        }

    def _robustness(self) -> dict[str, Any]:
        """The table by corruption and level, and what it comes to."""
        if not self.robustness:
            return {}
        rival = self.rival_robustness
        return {
            "robustness": self.robustness.table,
            "robustness_summary": {
                "images": self.robustness.images,
                "clean": asdict(self.robustness.clean),
                "mean": asdict(self.robustness.mean),
                "worst": self.robustness.worst[0],
                "production": asdict(rival) if rival else None,
            },
        }

    def note(self, check: Check) -> None:
        """Add a check, whatever it found."""
        self.checks.append(check)

    def require(self, check: Check) -> None:
        """Add a check on which the next ones rest.

        Raises:
            Unfit: it failed.
        """
        self.note(check)
        if not check.passed:
            raise Unfit

    @contextmanager
    def trial(self, name: str, sentence: str, *errors: type[Exception]) -> Iterator[None]:
        """Require that the block raises none of ``errors``; ``sentence`` is for when it does not.

        Raises:
            Unfit: it raised one, whose first line has become the check's sentence.
        """
        try:
            yield
        except errors as error:
            self.note(Check(name, False, self.reason(error)))
            raise Unfit from error
        self.note(Check(name, True, sentence))

    def reason(self, error: Exception) -> str:
        """The first line of an error's message, and not too much of it."""
        text = str(error).replace(f"{self.folder}{os.sep}", "")
        return text.strip().partition("\n")[0][:LONGEST_REASON] or type(error).__name__


def _slice(scores: SliceScores) -> dict[str, Any]:
    figures = asdict(scores)
    del figures["elsewhere"]  # a number of rows, and no figure of the model
    return figures

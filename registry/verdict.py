"""The verdict that the gate writes beside a version."""

from dataclasses import dataclass
from typing import Any, Literal

Precision = Literal["float32", "int8"]
"""What a variant of a model mostly computes with."""


@dataclass(frozen=True)
class Check:
    """One thing that the gate required.

    Attributes:
        name: a short identifier, as ``accuracy`` or ``non-inferiority``.
        passed: whether the candidate met it.
        sentence: what was found against what was required, for a person.
    """

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Variant:
    """The same model for ONNX Runtime, and what the gate found of it.

    Attributes:
        precision: what it mostly computes with.
        passed: whether it answers as the model does, so that it may serve.
        sentence: what was found against what was required, or why there is none, for a person.
        sha256: of its file, which lies beside the verdict; empty unless it passed.
        size: of its file, in bytes.
        latency_ms: the median milliseconds for one image, on the gate's machine.
        images_per_second: in batches, there.
    """

    precision: Precision
    passed: bool
    sentence: str
    sha256: str = ""
    size: int = 0
    latency_ms: float | None = None
    images_per_second: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether the gate lets a version into production, and on what evidence. Written once.

    Attributes:
        id: ``<time>-<random>``, the name of its folder under the version's ``gate/``.
        version: the version that was judged.
        compared_with: the production version that it was to replace; empty if there was none.
        passed: whether every check passed.
        checks: each check, in the order in which it was made.
        metrics: held-out metrics, overall and per class, with confidence intervals.
        data_fingerprint: the fingerprint of the data that held the held-out images.
        created: when, ISO 8601, UTC.
        variants: each variant that was made, or was to be; older verdicts have none.
    """

    id: str
    version: str
    compared_with: str
    passed: bool
    checks: tuple[Check, ...]
    metrics: dict[str, Any]
    data_fingerprint: str
    created: str
    variants: tuple[Variant, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the checks that failed."""
        return tuple(check.sentence for check in self.checks if not check.passed)

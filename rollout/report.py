"""A judgement as lines for people and as JSON for the pipeline."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rollout.errors import NoReport
from rollout.judgement import Judgement
from rollout.proportions import Share
from rollout.tally import Tally

Sides = dict[str, Tally]


def lines(judgement: Judgement, sides: Sides, agreed: Share | None, level: float) -> str:
    """The judgement, what it rests on, and what is reported besides, line by line."""
    told = [f"{judgement.decision.name.lower()} the canary"]
    told += [f"  because {reason}" for reason in judgement.reasons]
    told += [f"  {comparison.sentence}" for comparison in judgement.comparisons]
    told += [
        f"  {side}: {tally.pods} pods, {tally.restarts} restarts, {tally.counts.requests} requests"
        for side, tally in sides.items()
    ]
    if agreed is not None:
        found = agreed.estimate(level)
        told.append(
            f"  both say the same of {agreed.count} of {agreed.total} images: "
            f"{100 * found.value:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"
        )
    return "\n".join(told) + "\n"


def document(
    judgement: Judgement, sides: Sides, agreed: Share | None, level: float
) -> dict[str, Any]:
    """The same for programs."""
    return {
        "decision": judgement.decision.name.lower(),
        "reasons": judgement.reasons,
        "comparisons": [asdict(comparison) for comparison in judgement.comparisons],
        "sides": {
            side: asdict(tally.counts) | {"pods": tally.pods, "restarts": tally.restarts}
            for side, tally in sides.items()
        },
        "agreement": agreed and asdict(agreed) | {"interval": asdict(agreed.estimate(level))},
        "confidence": level,
    }


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the JSON, in place: in Kubernetes the file is the container's termination message.

    Raises:
        NoReport: that is not possible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content) + "\n")
    except OSError as error:
        raise NoReport(f"ROLLOUT_REPORT={path} cannot be written: {error.strerror}") from None

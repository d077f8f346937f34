"""Acting on a verdict: written first, then promoted exactly against what was compared with."""

import logging
from collections.abc import Mapping
from pathlib import Path

from alerts.alert import Alert
from alerts.sender import AlertSender
from registry.errors import Conflict
from registry.record import Damaged, StageState
from registry.store import Registry
from registry.verdict import Verdict
from testing.errors import Overtaken

logger = logging.getLogger(__name__)


def promote(
    registry: Registry, verdict: Verdict, against: StageState | Damaged | None
) -> StageState:
    """Put a version that passed into production, if production is still ``against``.

    Raises:
        Overtaken: another changed production since; the message names the winner.
        OutcomeUnknown: the registry could not say whether the promotion took effect.
    """
    why = f"passed the gate, verdict {verdict.id}"
    try:
        return registry.promote(verdict.version, against, why)
    except Conflict as conflict:
        raise Overtaken(
            f"version {verdict.version[:12]} passed but is not promoted: {conflict}; "
            "run the gate again to compare with that"
        ) from conflict


def refuse(alerts: AlertSender, verdict: Verdict, where: str) -> None:
    """Tell the operators why a version was refused; production is left as it is."""
    reasons = "\n".join(f"- {sentence}" for sentence in verdict.reasons)
    alerts.send(
        Alert(
            key=f"refused-{verdict.id}",
            subject=f"refused {verdict.version[:12]}",
            body=f"The gate refused version {verdict.version}:\n{reasons}\n\n"
            f"Production is unchanged. The report: {where}report.html",
        )
    )


def leave_copies(folder: Path, attachments: Mapping[str, bytes]) -> Path | None:
    """Leave the report in ``folder`` for reading; the path of the page, or None if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in attachments.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        # The report is in the registry: a read-only disk must not keep a model back.
        logger.warning("the report could not be left in GATE_REPORTS: %s", error)
        return None
    return folder / "report.html"

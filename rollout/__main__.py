"""``python -m rollout judge``: compare a canary with production, by what both have counted.

Exit codes: 0 promote it; 3 withdraw it; 4 hold, as too few requests came to tell; 1 failed;
2 called or configured wrong.
"""

import sys
from collections.abc import Sequence

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from process.command import run
from process.errors import UsageError
from process.logs import LogSettings, configure
from process.settings import parse, read
from rollout.session import run_judge
from rollout.settings import RolloutSettings

SHARED = (AlertSettings, LogSettings)


def main(argv: Sequence[str]) -> int:
    """Judge once, and print what it came to."""
    if not argv or argv[0] not in ("judge", "--help"):
        raise UsageError("say what to do: python -m rollout judge")
    flags = argv[argv[0] == "judge" :]
    settings = parse("rollout judge", __doc__ or "", RolloutSettings, SHARED, flags)
    configure(read(LogSettings))
    with open_alerts(read(AlertSettings), "rollout") as alerts:
        outcome = run_judge(settings, alerts)
    sys.stdout.write(outcome.text)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(run("rollout", main))

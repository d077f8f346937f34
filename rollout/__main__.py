"""``python -m rollout judge``: compare a canary with production, by what both have counted.

Exit codes: 0 promote it; 3 withdraw it; 4 hold, as too few requests came to tell; 1 failed;
2 called or configured wrong.
"""

import logging
import sys
import time
from collections.abc import Sequence

import requests

from alerts.alert import Alert
from alerts.open import open_alerts
from alerts.settings import AlertSettings
from process.command import run
from process.errors import UsageError
from process.logs import LogSettings, configure
from process.settings import parse, read
from rollout import report
from rollout.judgement import Decision, Limits, judge
from rollout.pods import Pods
from rollout.proportions import Share
from rollout.settings import RolloutSettings
from rollout.watch import watch

logger = logging.getLogger("rollout")

SHARED = (AlertSettings, LogSettings)


def main(argv: Sequence[str]) -> int:
    """Watch, judge, print, and return the decision's exit code."""
    if argv[:1] not in (["judge"], ["--help"]):
        raise UsageError("say what to do: python -m rollout judge")
    flags = [flag for flag in argv if flag != "judge"]
    settings = parse("rollout judge", __doc__ or "", RolloutSettings, SHARED, flags)
    configure(read(LogSettings))
    alert_settings = read(AlertSettings)
    production, canary = (
        Pods(side, settings.routes, settings.slow_seconds, settings.timeout)
        for side in (settings.production, settings.canary)
    )
    sides = watch(
        {"production": production, "canary": canary},
        settings.window,
        settings.interval,
        time.monotonic,
        time.sleep,
    )
    judgement = judge(sides["production"].counts, sides["canary"].counts, limits(settings))
    found = (judgement, sides, agreement(settings, production, canary), settings.confidence)
    text = report.lines(*found)
    sys.stdout.write(text)
    if judgement.decision is Decision.WITHDRAW:
        with open_alerts(alert_settings, "rollout") as alerts:
            alerts.send(Alert("canary-withdrawn", "the canary is worse than production", text))
    report.write(settings.report, report.document(*found))
    return int(judgement.decision)


def limits(settings: RolloutSettings) -> Limits:
    """What is asked of the canary, as the settings have it."""
    return Limits(
        settings.min_requests, settings.confidence, settings.error_margin, settings.slow_margin
    )


def agreement(settings: RolloutSettings, production: Pods, canary: Pods) -> Share | None:
    """How often a pod of each side says the same, if images are given and both answer."""
    if not settings.images:
        return None
    # OpenCV takes a while to import, which a judge without images need not wait for.
    from rollout import agreement

    images = agreement.some_images(settings.images, settings.max_images)
    sides = [side for pods in (production, canary) for side in pods.urls()[:1]]
    if len(sides) < 2:
        return None
    try:
        return agreement.agreement(sides, images, settings.timeout)
    except requests.RequestException as error:
        logger.warning("agreement is unknown: %s", error)
        return None


if __name__ == "__main__":
    sys.exit(run("rollout", main))

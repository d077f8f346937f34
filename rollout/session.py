"""One judgement from beginning to end: watch, compare, ask both about images, tell."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

import requests

from alerts.alert import Alert
from alerts.sender import AlertSender
from rollout import report
from rollout.judgement import Decision, Limits, judge
from rollout.pods import Pods
from rollout.proportions import Share
from rollout.settings import RolloutSettings
from rollout.watch import watch

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a judgement came to.

    Attributes:
        text: the lines for people.
        exit_code: the decision's.
    """

    text: str
    exit_code: int


def run_judge(
    settings: RolloutSettings,
    alerts: AlertSender,
    now: Callable[[], float] = monotonic,
    wait: Callable[[float], None] = sleep,
) -> Outcome:
    """Judge the canary, write the report, and send an alert if it is to be withdrawn.

    Raises:
        Unreadable: a pod answers with something else than the service's figures.
        NoReport: the report cannot be written.
    """
    pods = {
        side: Pods(addresses, settings.routes, settings.slow_seconds, settings.timeout)
        for side, addresses in (("production", settings.production), ("canary", settings.canary))
    }
    tallies = watch(pods, settings.window, settings.interval, now, wait)
    judgement = judge(tallies["production"].counts, tallies["canary"].counts, limits(settings))
    agreed = _agreement(settings, list(pods.values()))
    text = report.lines(judgement, tallies, agreed, settings.confidence)
    if judgement.decision is Decision.WITHDRAW:
        alerts.send(Alert("canary-withdrawn", "the canary is worse than production", text))
    report.write(settings.report, report.document(judgement, tallies, agreed, settings.confidence))
    return Outcome(text, int(judgement.decision))


def limits(settings: RolloutSettings) -> Limits:
    """What is asked of the canary, as the settings have it."""
    return Limits(
        settings.min_requests, settings.confidence, settings.error_margin, settings.slow_margin
    )


def _agreement(settings: RolloutSettings, sides: list[Pods]) -> Share | None:
    """How often a pod of each side says the same, if images are given and both answer."""
    if not settings.images:
        return None
    # OpenCV takes a while to import, which a judge without images need not wait for.
    from rollout.agreement import agreement, some_images

    images = some_images(settings.images, settings.max_images)
    try:
        return agreement([_one(pods) for pods in sides], images, settings.timeout)
    except requests.RequestException as error:
        logger.warning("how often both agree is not known: %s", error)
        return None


def _one(pods: Pods) -> str:
    """The first pod that has a model, or else the first address, to say why it does not answer."""
    urls = pods.urls()
    return next(filter(pods.ready, urls), urls[0] if urls else pods.addresses[0])

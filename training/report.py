"""Telling people how a run ended, whichever way."""

import logging
import time
import uuid
from collections.abc import Callable

from alerts.alert import Alert
from alerts.sender import AlertSender
from process.errors import Failure
from registry.card import Card, DataFinding
from registry.sentence import visible
from training.settings import TrainSettings

NAMED = 20  # files of a kind in an e-mail; the card has all of them


def reported(train: Callable[[], Card], settings: TrainSettings, alerts: AlertSender) -> str:
    """Run ``train`` and send an alert with its outcome; an error goes on to the caller.

    Returns:
        what to print: the outcome in a line, and another for each finding about the images.
    """
    started = time.monotonic()

    def tell(subject: str, *lines: str, level: int = logging.WARNING) -> None:
        facts = [f"Data: {settings.data}", f"Duration: {time.monotonic() - started:.0f} s"]
        key = f"training-{uuid.uuid4().hex}"  # of two runs that end alike, both are told
        alerts.send(Alert(key, subject, "\n".join([*lines, *facts]), level))

    try:
        card = train()
    except Failure as failure:
        tell(f"failed: {failure}", str(failure))
        raise
    except KeyboardInterrupt:
        tell("interrupted", "The same command goes on after the last epoch.")
        raise
    except BaseException as error:
        tell(f"failed unexpectedly: {error!r}", f"{error!r}; the log has the traceback")
        raise
    summary = _summary(card, time.monotonic() - started)
    tell(f"published {card.version[:12]}", summary, _details(card), level=logging.INFO)
    return "\n".join([summary, *map(_finding, card.data.findings)])


def _summary(card: Card, seconds: float) -> str:
    return (
        f"Published version {card.version} to testing: validation accuracy "
        f"{card.metrics['val_accuracy']:.2%} in epoch {card.metrics['best_epoch']:.0f} of "
        f"{len(card.history['val_loss'])}, {seconds:.0f} s."
    )


def _details(card: Card) -> str:
    counts = ", ".join(f"{count} {part}" for part, count in card.data.images.items())
    return (
        f"Images: {counts}\n"
        f"Confidence: {_confidence(card)}\n"
        f"Files skipped: {_named(card.data.skipped)}\n"
        f"Images in several classes: {_named(card.data.ambiguous)}"
        + "".join(f"\n{_finding(finding)}" for finding in card.data.findings)
    )


def _finding(finding: DataFinding) -> str:
    first = ", ".join(map(visible, finding.images[:NAMED]))
    return f"{finding.sentence} {finding.advice}" + (f" First of all: {first}" if first else "")


def _confidence(card: Card) -> str:
    found = card.calibration
    if found is None:
        return "not measured"
    rightly = "" if found.accuracy is None else f", {found.accuracy:.1%} of them rightly"
    missed = "; no threshold is shown to reach the target" if found.reached is False else ""
    return (
        f"threshold {card.threshold:g}, with which {found.coverage:.1%} of {found.images} "
        f"calibration images are answered{rightly}{missed}; temperature {card.temperature:g}, "
        f"calibration error {found.ece_after:.4f}, {found.ece_before:.4f} before"
    )


def _named(names: tuple[str, ...]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{len(names)}: {', '.join(map(visible, names[:NAMED]))}{more}"

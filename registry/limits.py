"""What a person should know before relying on a version: derived from what is recorded of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registry import figures
from registry.card import Card
from registry.dossier import Dossier
from registry.figures import Estimate, Row

FEW_IMAGES = 50  # of a class, over all parts: training advises as many
FEW_HELD_OUT = (
    30  # of a class: Wilson's interval of its recall is then some 20 points wide, or more
)
LOW_RECALL = 0.8
NAMED = 5


def limits(dossier: Dossier) -> list[str]:
    """A sentence for each limit, the gravest first."""
    verdict = dossier.verdict
    metrics = verdict.metrics if verdict else {}
    return [
        *_judgement(dossier),
        *_classes(dossier.card, figures.rows(figures.section(metrics, "per_class"))),
        *_corruptions(metrics),
        *_slices(metrics),
        *_confidence(dossier.card),
        *_inputs(dossier.card),
        *_data(dossier.card),
    ]


def _judgement(dossier: Dossier) -> Iterator[str]:
    verdict, production = dossier.verdict, dossier.production
    if verdict is None:
        yield "The gate has not judged this version: nothing is known of it on images held out."
    elif not verdict.passed:
        yield f"The gate refused this version: {'; '.join(verdict.reasons)}."
    elif verdict.data_fingerprint != dossier.card.data.fingerprint:
        yield (
            "It was judged on other data than it was trained on, so training images that have "
            "near-duplicates in one of the two only may be among those that it was judged by."
        )
    if production and production.record.forced:
        yield "It was put into production by force, without a passing verdict being asked for."


def _classes(card: Card, rows: Iterable[Row]) -> Iterator[str]:
    few = [name for name, images in card.data.per_class.items() if images < FEW_IMAGES]
    if few:
        yield f"Fewer than {FEW_IMAGES} images in all are of {_listed(few)}."
    rows = list(rows)
    scarce = [row.group for row in rows if row.images is not None and row.images < FEW_HELD_OUT]
    if scarce:
        yield (
            f"Fewer than {FEW_HELD_OUT} held-out images are of {_listed(scarce)}: what is said of "
            "them here is rough."
        )
    recalls = {row.group: row.figures["recall"] for row in rows if "recall" in row.figures}
    if low := [f"{name} ({each})" for name, each in recalls.items() if each.value < LOW_RECALL]:
        yield f"Less than {LOW_RECALL:.0%} of the images are recognised of {_listed(low)}."
        return
    name, worst = min(recalls.items(), key=lambda pair: pair[1].value, default=("", Estimate(1)))
    if worst.value < 1:
        yield f"The class recognised least is {name}: recall {worst}."


def _corruptions(metrics: Mapping[str, Any]) -> Iterator[str]:
    found = [
        (accuracy.value, kind, level)
        for kind, levels in figures.corruptions(metrics).items()
        for level, accuracy in levels.items()
    ]
    if not found:
        yield "How it answers to noisy, blurred or badly lit images was not measured."
        return
    accuracy, kind, level = min(found)
    clean = figures.damaged(metrics, "clean") or figures.estimate(metrics.get("accuracy"))
    yield (
        f"The worst corruption tried is {kind} at level {level}: accuracy {Estimate(accuracy)}"
        f"{_instead_of(clean)}."
    )


def _slices(metrics: Mapping[str, Any]) -> Iterator[str]:
    rows = figures.rows(figures.section(metrics, "slices"))
    accuracies = {row.group: row.figures["accuracy"] for row in rows if "accuracy" in row.figures}
    if not accuracies:
        yield "Whether every group of images is answered equally well is not known: none was named."
        return
    name, worst = min(accuracies.items(), key=lambda pair: pair[1].value)
    yield f"The slice answered worst is {name}: accuracy {worst}."


def _confidence(card: Card) -> Iterator[str]:
    if card.calibration is None:
        yield "Its confidence was not calibrated: 90 % need not mean right in nine cases of ten."
    if not card.threshold:
        yield 'It never answers "other": an image of something else is given one of its classes.'
        return
    yield (
        f'Whatever it gives less than {card.threshold:.3g} confidence is answered as "other"; an '
        "image of something else can get more."
    )


def _inputs(card: Card) -> Iterator[str]:
    height, width, _ = card.input_shape
    yield (
        f"It sees {width} x {height} pixels in three colours, whatever picture they are made from: "
        "detail that is lost at that size is lost to it, and other channels never reach it."
    )


def _data(card: Card) -> Iterator[str]:
    if card.data.skipped:
        yield f"{len(card.data.skipped)} files could not be read, and taught it nothing."
    if card.data.ambiguous:
        yield (
            f"{len(card.data.ambiguous)} images are in several classes, pixel for pixel, and teach "
            "it doubt."
        )
    if card.data.findings:
        yield "Training found something in its data to look at: see above."


def _instead_of(clean: Estimate | None) -> str:
    return f", instead of {100 * clean.value:.1f} % on images as they are" if clean else ""


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    text = ", ".join(names[:NAMED])
    return text if len(names) <= NAMED else f"{text} and {len(names) - NAMED} more"

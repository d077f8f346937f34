"""The same model for ONNX Runtime, faster on a processor: made here, and let in or left out.

A variant has to answer as the model does that the gate let pass. One that does not is left out,
with the reason in the verdict; the model itself is none the worse for it.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from classifier import golden
from classifier.errors import ClassifierError
from classifier.onnx_runtime import load
from classifier.runtime import Classifier
from images import Images
from images.raw import from_raw
from images.split import split
from intervals.wilson import Estimate
from registry.names import VARIANTS
from registry.verdict import Precision, Variant
from testing import child, probe
from testing.case import Case
from testing.errors import NotMade
from testing.findings import Findings
from testing.intervals import images_needed, paired_difference
from testing.scoring import Probabilities
from testing.verdict import nothing_shown, points

SEED = 20_030_104
CALIBRATION = 128  # training images for the ranges of int8
APART = 1e-3  # by which probabilities in float32 may differ from the model's
BATCH = 32
TIMED = 5  # batches


def offer(case: Case, model: Path, answers: Probabilities, findings: Findings) -> None:
    """Make each variant and judge it; files of those that passed are put to the findings.

    Args:
        case: the case, whose candidate has passed.
        model: the candidate's file.
        answers: the candidate's for the held-out images.
        findings: what is known of it, to be added to.
    """
    for precision in VARIANTS:
        try:
            content = _make(case, precision, model)
            variant = _judge(case, precision, content, answers)
        except (NotMade, ClassifierError, OSError) as error:
            variant = Variant(precision, False, findings.reason(error))
        else:
            if variant.passed:
                findings.files[VARIANTS[precision]] = content
        findings.variants.append(variant)


def throughput(classifier: Classifier, images: Images) -> float:
    """Images per second in batches of images like these, uint8[N, 128, 128, 3], once warm."""
    batch = np.resize(images[:BATCH], (BATCH, *images.shape[1:]))
    return BATCH / probe.median_seconds(lambda: classifier.predict(batch), TIMED)


def _make(case: Case, precision: Precision, model: Path) -> bytes:
    """The file of a variant.

    Raises:
        NotMade: its maker failed.
    """
    target, exported = (model.with_name(VARIANTS[each]) for each in (precision, "float32"))
    if precision == "float32":
        child.run("testing.export", model, target)
    elif exported.exists():
        images = model.with_name("calibration.npy")
        np.save(images, _calibration(case))
        child.run("testing.quantise", exported, images, target)
    else:
        raise NotMade("it is made from the float32 variant, which could not be made")
    return target.read_bytes()


def _calibration(case: Case) -> Images:
    """Some training images, the same ones for the same data."""
    images = split(case.data).train.images
    if not len(images):
        raise NotMade("there are no training images to calibrate by")
    chosen = np.random.default_rng(SEED).permutation(len(images))[:CALIBRATION]
    calibration: Images = images[np.sort(chosen)]
    return calibration


def _judge(case: Case, precision: Precision, content: bytes, answers: Probabilities) -> Variant:
    card, images = case.card, case.held_out.images
    classifier = load(content, precision, len(card.classes))
    golden.check(classifier, from_raw(card.golden.pixels)[0], card.golden.probabilities)
    found = classifier.predict(images)
    size = probe.size(len(content), case.settings.max_size)
    checks = (
        size,
        probe.probabilities(found, "held-out images"),
        probe.independent(classifier, probe.sample(images)),
    )
    failed = [check.sentence for check in checks if not check.passed]
    failed += _differences(case, precision, found, answers)
    if failed:
        return Variant(precision, False, "; ".join(failed), size=len(content))
    return Variant(
        precision,
        True,
        _alike(case, found, answers),
        hashlib.sha256(content).hexdigest(),
        len(content),
        probe.measure(classifier, images[:1]),
        throughput(classifier, images),
    )


def _differences(
    case: Case, precision: Precision, found: Probabilities, answers: Probabilities
) -> Iterator[str]:
    """What sets the variant's answers apart from the model's by more than is allowed."""
    settings = case.settings
    if (agreement := _agreement(found, answers)) < settings.min_agreement:
        yield (
            f"the same class on {100 * agreement:.2f} % of {len(found)} held-out images; "
            f"{100 * settings.min_agreement:g} % are asked for (GATE_MIN_AGREEMENT)"
        )
    difference = _difference(case, found, answers)
    needed = images_needed(settings.margin, settings.confidence)
    if difference.low <= -settings.margin and len(found) < needed:
        yield nothing_shown(len(found), needed, settings.margin)
    elif difference.low <= -settings.margin:
        yield (
            f"accuracy {points(difference)} to the model's on {len(found)} held-out images; the "
            f"lower bound must lie above {-100 * settings.margin:g} (GATE_MARGIN)"
        )
    if precision == "float32" and not (apart := _apart(found, answers)) <= APART:
        yield f"probabilities differ by up to {apart:.1g}; up to {APART:g} is allowed"


def _alike(case: Case, found: Probabilities, answers: Probabilities) -> str:
    return (
        f"the same class on {100 * _agreement(found, answers):.2f} % of {len(found)} held-out "
        f"images, accuracy {points(_difference(case, found, answers))}, probabilities within "
        f"{_apart(found, answers):.1g}"
    )


def _agreement(found: Probabilities, answers: Probabilities) -> float:
    return float((found.argmax(axis=1) == answers.argmax(axis=1)).mean())


def _difference(case: Case, found: Probabilities, answers: Probabilities) -> Estimate:
    """The variant's accuracy minus the model's."""
    labels = case.held_out.labels
    variant, model = (each.argmax(axis=1) == labels for each in (found, answers))
    won, lost = int((variant & ~model).sum()), int((model & ~variant).sum())
    return paired_difference(won, lost, len(labels), case.settings.confidence)


def _apart(found: Probabilities, answers: Probabilities) -> float:
    return float(np.abs(found - answers).max())

"""What to do next, in one sentence for each section of the report. Pure."""

from testing import remedies
from testing.case import Case
from testing.findings import Findings
from testing.verdict import listed, too_few

NOTHING = "There is nothing to do here."


def sections(case: Case, findings: Findings) -> dict[str, str]:
    """The sentences, by section."""
    return {
        "checks": _checks(findings),
        "figures": _figures(case, findings),
        "production": _production(case, findings),
        "confusion": "Add training images of the classes that are confused most, or see whether "
        "their folders hold each other's images."
        if findings.mistakes
        else NOTHING,
        "reliability": _reliability(case, findings),
        "coverage": _coverage(findings),
        "robustness": _robustness(findings),
        "slices": _slices(case, findings),
        "variants": _variants(findings),
        "mistakes": "Look at each: move an image whose label is wrong into the right folder, and "
        "add training images like the others."
        if findings.mistakes
        else NOTHING,
        "classes": _classes(findings),
        "data": "There is nothing to do here, or this model was trained before images were "
        "looked at.",
        "learning_curve": "If the curves part, add images or augmentation; if both still improve "
        "at the end, raise TRAIN_EPOCHS.",
        "lineage": "Train on the same folder with the same arguments to repeat this model.",
    }


def _checks(findings: Findings) -> str:
    failed = [check.name for check in findings.checks if not check.passed]
    if not failed:
        return "Nothing stands in the way of this model."
    return f"Mend what failed ({', '.join(failed)}), train again, and run the gate again."


def _figures(case: Case, findings: Findings) -> str:
    scores, least = findings.scores, case.settings.min_accuracy
    if scores and scores.accuracy.value < least:
        return "Add training images, or raise TRAIN_EPOCHS or TRAIN_MAX_BLOCKS, and train again."
    if scores and scores.accuracy.low < least:
        return "Add images, of which a fifth is held out, if the interval is too wide to rely on."
    return NOTHING


def _production(case: Case, findings: Findings) -> str:
    rival = findings.comparison
    if rival and rival.difference.low <= -case.settings.margin:
        return "Keep production, and train with more images or from it (TRAIN_WARM_START)."
    return NOTHING


def _reliability(case: Case, findings: Findings) -> str:
    found = findings.calibration
    if found and found.excess > case.settings.max_ece:
        return f"Do not rely on its confidence: {remedies.CALIBRATE}."
    return "Its confidence may be relied on: what is off is within what GATE_MAX_ECE allows."


def _coverage(findings: Findings) -> str:
    found = findings.calibration
    if found and not found.threshold:
        return "Choose a threshold here if callers would rather get other than a mistake."
    if found and found.accuracy and found.accuracy.value <= found.right:
        return "The threshold turns answers away and gains no accuracy: train with a lower one."
    return "Raise the threshold for fewer mistakes, and lower it for fewer answers of other."


def _robustness(findings: Findings) -> str:
    if not findings.robustness:
        return NOTHING
    worst, accuracy = findings.robustness.worst
    if accuracy == 1:
        return NOTHING
    remedy = remedies.corruption(worst)
    return f"If callers send images like those with {worst} ({100 * accuracy:.0f} %), {remedy}."


def _slices(case: Case, findings: Findings) -> str:
    minimum, level = case.settings.min_slice_accuracy, case.settings.confidence
    groups = len(findings.slices)
    few = [
        name
        for name, each in findings.slices.items()
        if too_few(each.images, groups, minimum, level)
    ]
    if few:
        return f"Add images of {listed(few)}: too few are held out to tell."
    worst = min(findings.slices.items(), key=lambda item: item[1].accuracy.value, default=None)
    if worst is None or worst[1].accuracy.value == 1:
        return NOTHING
    return f"Add training images of {listed([worst[0]])}, which is answered worst."


def _variants(findings: Findings) -> str:
    if all(variant.passed for variant in findings.variants):
        return NOTHING
    return (
        "The model serves as it is where no variant may. If one is just short of what is asked "
        "for, more held-out images make the figures surer."
    )


def _classes(findings: Findings) -> str:
    if not findings.scores or not findings.mistakes:
        return NOTHING
    worst = min(findings.scores.per_class.items(), key=lambda item: item[1].f1.value)
    return f"Add training images of {listed([worst[0]])}, whose F1 score is lowest."

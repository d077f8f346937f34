"""The rules: what held-out figures let a candidate into production. Pure.

Against production the question is whether the candidate is *non-inferior*: whether the whole
confidence interval of the difference in accuracy lies above minus a margin. McNemar's test asks
another question, whether a difference was shown, and not to have shown one is no evidence of
quality: a candidate that loses 5 of 359 images and wins none has p = 0.0625 there and would pass.

A margin is allowed anew at each promotion, so small losses can add up over many; what stops that
is the floor under accuracy, which does not move.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from intervals.wilson import Estimate, proportion
from registry.record import StageRecord
from registry.sentence import visible
from registry.verdict import Check
from testing import remedies
from testing.calibration import Calibration
from testing.comparison import Comparison
from testing.intervals import images_needed, images_to_show
from testing.robustness import Robustness
from testing.scoring import ClassScores, Scores
from testing.slices import SliceScores

NAMED = 5  # classes listed in a sentence
LONGEST_NAME = 60  # characters of each
LONGEST_WHY = 300  # characters of what a person gave as a reason

Shares = Mapping[str, tuple[Estimate, int]]  # of each group of images, and how many they are


def not_rolled_back(version: str, records: Sequence[StageRecord]) -> Check:
    """Production must not have been rolled back from the candidate.

    It still is in testing then, and no figure of the gate's says what was wrong with it.

    Args:
        version: the candidate.
        records: every record of production, newest first.
    """
    newest = next((i for i, record in enumerate(records) if record.version == version), 0)
    change = records[newest - 1] if newest else None
    if change is None or change.action != "rollback":
        return Check("history", True, "production was not rolled back from this version")
    who, when, why = map(visible, (change.who, change.when, change.why[:LONGEST_WHY]))
    sentence = (
        f"{who} rolled production back from this version at {when} ({why}): train again, or put it "
        f"back by hand with `python -m registry promote {version[:12]} --force --why ...`"
    )
    return Check("history", False, sentence)


def accuracy(scores: Scores, minimum: float) -> Check:
    """The accuracy must reach ``minimum``."""
    found = scores.accuracy
    passed = found.value >= minimum
    verb = "reaches" if passed else "is below"
    sentence = (
        f"accuracy {percent(found)} on {scores.images} held-out images {verb} "
        f"the {100 * minimum:g} % that GATE_MIN_ACCURACY asks for"
    )
    return Check("accuracy", passed, sentence)


def recalls(per_class: Mapping[str, ClassScores], minimum: float, level: float) -> Check:
    """No class may be one that the candidate with confidence mostly fails to recognise.

    What counts is the upper bound, so that a class of few images is not refused by chance.
    """
    shares = {name: (each.recall, each.images) for name, each in per_class.items()}
    lost, few = _below(shares, minimum, level), _untold(shares, minimum, level)
    floor = f"{100 * minimum:g} % (GATE_MIN_RECALL)"
    sentence = f"no class has a recall that lies below {floor} with confidence"
    if lost:
        found = "; ".join(percent(per_class[name].recall) for name in lost[:NAMED])
        sentence = (
            f"too few images are recognised of {listed(lost)}: recall {found} is below {floor}"
        )
    if few:
        sentence += f"; too few held-out images to tell of {listed(few)}"
    return Check("recall", not lost, sentence)


def calibrated(found: Calibration, most: float) -> Check:
    """What chance does not explain of how much surer than right it is may be ``most``."""
    passed = found.excess <= most
    sentence = (
        f"expected calibration error {found.ece:.4f}, {found.bold:.4f} of it from answers surer "
        f"than right; with so many images a calibrated model would have up to "
        f"{found.bold_chance:.4f} of these by chance, and {most:g} more is allowed (GATE_MAX_ECE)"
    )
    if not passed:
        sentence += f": it is surer than it is right; {remedies.CALIBRATE}"
    return Check("calibration", passed, sentence)


def robust(found: Robustness, minimum: float) -> Check:
    """The mean accuracy on damaged images must not lie below ``minimum`` with confidence."""
    passed = found.mean.high >= minimum
    worst, lowest = found.worst
    verb = "is not" if passed else "is"
    sentence = (
        f"accuracy {percent(found.mean)} on {found.images} images, damaged in "
        f"{len(found.table)} ways ({percent(found.clean)} as they are), {verb} below "
        f"{100 * minimum:g} % with confidence (GATE_MIN_ROBUSTNESS); "
        f"worst is {worst}, {100 * lowest:.0f} %: {remedies.corruption(worst)}"
    )
    return Check("robustness", passed, sentence)


def slices(scores: Mapping[str, SliceScores], minimum: float, level: float) -> Check:
    """No slice may be one whose images are with confidence mostly answered wrongly."""
    shares = {name: (each.accuracy, each.images) for name, each in scores.items()}
    failed, few = _below(shares, minimum, level), _untold(shares, minimum, level)
    floor = f"{100 * minimum:g} % (GATE_MIN_SLICE_ACCURACY)"
    sentences = [f"none of {len(scores)} slices has an accuracy below {floor} with confidence"]
    if failed:
        found = "; ".join(percent(scores[name].accuracy) for name in failed[:NAMED])
        sentences = [
            f"too few images are answered rightly of the slices {listed(failed)}: accuracy "
            f"{found} is below {floor}: add training images of that kind"
        ]
    if few:
        sentences.append(f"too few held-out images to tell of {listed(few)}")
    elsewhere = sum(each.elsewhere for each in scores.values())
    named = elsewhere + sum(each.images for each in scores.values())
    sentences.append(
        f"{elsewhere} of the {named} images named do not count, as they are not held out or "
        "repeat another one"
    )
    return Check("slices", not failed, "; ".join(sentences))


def too_few(images: int, groups: int, minimum: float, level: float) -> bool:
    """Whether so few images can show no share below ``minimum``, were all answered wrongly.

    Args:
        images: those of one group.
        groups: how many groups are judged together.
        minimum: the least share.
        level: the confidence level of them all.
    """
    return minimum > 0 and proportion(0, images, together(level, groups)).high >= minimum


def together(level: float, groups: int) -> float:
    """The level of each of so many intervals at which all of them hold with ``level``.

    Bonferroni's: of a hundred classes that are recognised well enough, chance alone would
    otherwise have a few of four images each be refused.
    """
    return 1 - (1 - level) / max(1, groups)


def _below(shares: Shares, minimum: float, level: float) -> list[str]:
    """The groups whose share lies below ``minimum``, with confidence in all together."""
    each = together(level, len(shares))
    return [
        name
        for name, (share, images) in shares.items()
        if proportion(round(share.value * images), images, each).high < minimum
    ]


def _untold(shares: Shares, minimum: float, level: float) -> list[str]:
    """The groups of which there are too few images to tell."""
    return [
        name for name, (_, images) in shares.items() if too_few(images, len(shares), minimum, level)
    ]


def enough_images(per_class: Mapping[str, ClassScores], minimum: int) -> Check:
    """Each class must have held-out images to be judged by."""
    scarce = [name for name, scores in per_class.items() if scores.images < minimum]
    if scarce:
        sentence = (
            f"fewer than {minimum} held-out images (GATE_MIN_PER_CLASS) of {listed(scarce)}: "
            "add images, about five for each one that is to be held out"
        )
    else:
        sentence = f"at least {minimum} held-out images of every class"
    return Check("held-out images", not scarce, sentence)


def kept_classes(candidate: Collection[str], production: Collection[str], drop: bool) -> Check:
    """Callers must not lose a class that production knows, unless ``drop`` allows it."""
    lost = [name for name in production if name not in candidate]
    gained = [name for name in candidate if name not in production]
    sentences = []
    if lost:
        sentences.append(f"production knows {listed(lost)} and the candidate does not")
        sentences.append(
            "GATE_DROP_CLASSES allows it" if drop else "set GATE_DROP_CLASSES=true if that is meant"
        )
    if gained:
        sentences.append(f"new: {listed(gained)}")
    return Check("classes", drop or not lost, "; ".join(sentences) or "those of production")


def non_inferiority(comparison: Comparison, margin: float, level: float) -> Check:
    """The lower bound of the paired difference must lie above ``-margin``."""
    difference, images = comparison.difference, comparison.images
    passed = difference.low > -margin
    needed = images_needed(margin, level)
    if not passed and images < needed:
        sentence = nothing_shown(images, needed, margin)
    else:
        sentence = (
            f"against production {comparison.version[:12]} on the same {images} images: "
            f"{comparison.won} won, {comparison.lost} lost, difference {points(difference)}; "
            f"the lower bound must lie above {-100 * margin:g} (GATE_MARGIN)"
        )
    enough = images_to_show(margin, level, (comparison.won + comparison.lost) / max(1, images))
    if not passed and needed <= images < enough and difference.high >= 0:
        sentence += (
            f"; it may be as good, which takes about {enough} held-out images to show of two that "
            "disagree as often, or a wider GATE_MARGIN"
        )
    return Check("non-inferiority", passed, sentence)


def nothing_shown(images: int, needed: int, margin: float) -> str:
    """Why nothing can be shown of a difference on so few images."""
    return (
        f"{images} held-out images are too few to show even of an identical model that it is at "
        f"most {100 * margin:g} points worse: at least {needed} are needed, or a wider GATE_MARGIN"
    )


def nothing_to_compare(reason: str) -> Check:
    """No model, or none with a class in common, is in production."""
    return Check("non-inferiority", True, reason)


def broken_production(what: str, reason: str, replace: bool) -> Check:
    """Without a comparison nothing is known of what callers would lose: a person decides."""
    consequence = (
        "not compared, as GATE_REPLACE_BROKEN allows"
        if replace
        else "roll production back, or set GATE_REPLACE_BROKEN=true to let the candidate replace it"
    )
    sentence = f"PRODUCTION IS BROKEN: {what} cannot answer ({reason}): {consequence}"
    return Check("non-inferiority", replace, sentence)


def same_data(trained_on: str, judged_by: str, copies: int = 0) -> Check:
    """Whether the gate's images are those of the training; said, not required."""
    sentence = (
        "judged by what was held out of its own training's data"
        if trained_on == judged_by
        else f"trained on other data ({trained_on[:12]}) than it is judged by ({judged_by[:12]}): "
        "whether an image is held out depends on its pixels and on its near-duplicates, so "
        "training may have seen images that have near-duplicates in one of the two only"
    )
    if copies:
        sentence += f"; {copies} held-out images repeat another one and do not count"
    return Check("data", True, sentence)


def listed(names: Iterable[str]) -> str:
    """Class names in a sentence: quoted, control characters escaped, the first few of them."""
    names = list(names)
    text = ", ".join(map(_quoted, names[:NAMED]))
    return text if len(names) <= NAMED else f"{text} and {len(names) - NAMED} more"


def percent(estimate: Estimate) -> str:
    """As ``98.61 % [96.80, 99.40]``."""
    value, low, high = (100 * x for x in (estimate.value, estimate.low, estimate.high))
    return f"{value:.2f} % [{low:.2f}, {high:.2f}]"


def points(estimate: Estimate) -> str:
    """A difference of percentages, as ``-1.00 points [-2.00, +0.30]``."""
    value, low, high = (100 * x for x in (estimate.value, estimate.low, estimate.high))
    return f"{value:+.2f} points [{low:+.2f}, {high:+.2f}]"


def _quoted(name: str) -> str:
    return repr(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…")

"""Judging a candidate: what is asked of it, in which order, and what rests on what.

The gate judges the version that is in the testing stage. One that is in production already was
judged when it got there, and is not judged again. One from which production was rolled back is
refused, whatever its figures are.

A candidate that cannot be fetched, loaded or asked is refused by a verdict like any other. What is
wrong on the gate's own side, as an unreachable registry or images of other classes, is an error:
then nothing was judged and no verdict is written.
"""

import binascii
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from classifier import golden
from classifier.errors import ClassifierError, GoldenMismatch
from classifier.load import load
from classifier.runtime import Classifier
from images.errors import ImagesError
from images.raw import from_raw
from registry.errors import Corrupt
from registry.record import Damaged, StageState
from testing import calibration, probe, robustness, slices, variants, verdict
from testing.case import Case
from testing.comparison import Answers, Names, compare
from testing.contender import Contender, named, pull
from testing.findings import Findings, Mistake, Unfit
from testing.scoring import Probabilities, score, worst_mistakes

PICTURED = 24  # worst mistakes in the report
MODEL = "best_model.hdf5"


@dataclass(frozen=True)
class Rival:
    """The model in production, where it can be compared with.

    Attributes:
        contender: the model.
        answers: its answers for the held-out images, by name.
    """

    contender: Contender
    answers: Names


def judge(case: Case) -> Findings:
    """Put the candidate to every check, up to the first that the later ones rest on."""
    with TemporaryDirectory(prefix="gate-") as folder:
        findings = Findings(Path(folder))
        with suppress(Unfit):
            _look_back(case, findings)
            classifier = _admit(case, findings)
            _probe(case, classifier, findings)
            candidate = Contender(case.card, classifier)
            probabilities = _score(case, candidate, findings)
            answers = named(case.card.classes, probabilities)
            rival = _compare(case, answers, findings)
            _damage(case, candidate, rival, findings)
            _slice(case, answers, rival, findings)
            _offer(case, classifier, probabilities, findings)
    return findings


def _look_back(case: Case, findings: Findings) -> None:
    """See that production was not rolled back from the candidate, before any work on it.

    A damaged production cannot tell; a person has to allow that it is replaced.
    """
    if not isinstance(case.production, Damaged):
        records = case.registry.history("production")
        findings.require(verdict.not_rolled_back(case.version, records))


def _admit(case: Case, findings: Findings) -> Classifier:
    """Fetch and load the candidate."""
    findings.require(probe.card(case.card, case.version))
    path = findings.folder / "candidate" / MODEL
    path.parent.mkdir()
    with findings.trial("intact", "the file is the one that was published", Corrupt):
        case.registry.fetch(case.candidate, path)
    findings.size = path.stat().st_size
    findings.require(probe.size(findings.size, case.settings.max_size))
    loaded = f"loads in safe mode and answers {len(case.card.classes)} classes"
    with findings.trial("loads", loaded, ClassifierError):
        return load(path, classes=len(case.card.classes))


def _probe(case: Case, classifier: Classifier, findings: Findings) -> None:
    """Ask what can be asked of any model."""
    images = probe.extremes()
    answered = f"answers images of every byte value and noise, {len(images)} in all"
    with findings.trial("answers", answered, Exception):  # whatever TensorFlow raises
        answers = classifier.predict(images)
    findings.require(probe.probabilities(answers, "extreme images"))
    example, repeated = case.card.golden, "the golden image is answered as it was in training"
    faults = (GoldenMismatch, ImagesError, binascii.Error)
    with findings.trial("golden image", repeated, *faults):
        golden.check(classifier, from_raw(example.pixels)[0], example.probabilities)
    sample = probe.sample(case.held_out.images)
    findings.require(probe.repeatable(classifier, sample))
    findings.require(probe.independent(classifier, sample))
    findings.latency = probe.measure(classifier, sample[:1])
    findings.note(probe.latency(findings.latency, case.settings.max_latency))


def _score(case: Case, candidate: Contender, findings: Findings) -> Probabilities:
    """Score the candidate on the held-out images; returns its answers."""
    settings, held_out, card = case.settings, case.held_out, case.card
    findings.note(verdict.same_data(card.data.fingerprint, case.data.fingerprint, case.copies))
    answers = candidate.classifier.predict(held_out.images)
    findings.require(probe.probabilities(answers, "held-out images"))
    scores = score(held_out.labels, answers, card.classes, settings.confidence)
    findings.scores = scores
    findings.mistakes = _mistakes(case, answers)
    findings.note(verdict.enough_images(scores.per_class, settings.min_per_class))
    findings.note(verdict.accuracy(scores, settings.min_accuracy))
    findings.note(verdict.recalls(scores.per_class, settings.min_recall, settings.confidence))
    findings.calibration = calibration.measure(
        held_out.labels, answers, settings.confidence, card.temperature, card.threshold
    )
    findings.note(verdict.calibrated(findings.calibration, settings.max_ece))
    return answers


def _compare(case: Case, answers: Names, findings: Findings) -> Rival | None:
    """Compare the candidate with what is in production, if there is anything to compare with."""
    if case.production is None:
        findings.note(verdict.nothing_to_compare("production is empty: nothing to compare with"))
        return None
    contender = _contender(case, case.production, findings)
    if contender is None:
        return None
    known = contender.card.classes
    findings.note(verdict.kept_classes(case.card.classes, known, case.settings.drop_classes))
    if set(known).isdisjoint(case.card.classes):
        findings.note(verdict.nothing_to_compare("no class in common with production"))
        return None
    rival = Rival(contender, contender.names(case.held_out.images))
    both = Answers(_truth(case), answers, rival.answers).of(known)
    level = case.settings.confidence
    findings.comparison = compare(contender.card.version, both, level)
    findings.note(verdict.non_inferiority(findings.comparison, case.settings.margin, level))
    return rival


def _damage(case: Case, candidate: Contender, rival: Rival | None, findings: Findings) -> None:
    """Show damaged images to the candidate, and for comparison to production."""
    settings = case.settings
    images = robustness.sample(case.held_out, settings.robustness_images)
    if not len(images):
        return
    contenders = [candidate, rival.contender] if rival else [candidate]
    findings.robustness, *others = robustness.measure(contenders, images, settings.confidence)
    findings.rival_robustness = others[0] if others else None
    if findings.robustness:
        findings.note(verdict.robust(findings.robustness, settings.min_robustness))


def _slice(case: Case, answers: Names, rival: Rival | None, findings: Findings) -> None:
    """Score each slice that the file names."""
    if not case.slices:
        return
    truth, settings = _truth(case), case.settings
    against = None
    if rival:
        against = rival.answers == truth, np.isin(truth, rival.contender.card.classes)
    findings.slices = slices.score(
        case.slices, case.held_out.names, answers == truth, against, settings.confidence
    )
    minimum, level = settings.min_slice_accuracy, settings.confidence
    findings.note(verdict.slices(findings.slices, minimum, level))


def _offer(case: Case, classifier: Classifier, answers: Probabilities, findings: Findings) -> None:
    """Make variants of a candidate that passed, and judge each by its answers."""
    if case.settings.variants and findings.passed:
        findings.images_per_second = variants.throughput(classifier, case.held_out.images)
        variants.offer(case, findings.folder / "candidate" / MODEL, answers, findings)


def _contender(
    case: Case, production: StageState | Damaged, findings: Findings
) -> Contender | None:
    """The model in production, or a check that says why there is none to ask."""
    allowed = case.settings.replace_broken
    if isinstance(production, Damaged):
        reason = findings.reason(production.error)
        findings.note(verdict.broken_production("what is there", reason, allowed))
        return None
    target = findings.folder / "production" / MODEL
    target.parent.mkdir()
    try:
        return pull(case.registry, production, target)
    except (Corrupt, ClassifierError) as error:
        version = production.record.version[:12]
        findings.note(verdict.broken_production(version, findings.reason(error), allowed))
        return None


def _truth(case: Case) -> Names:
    """The class of each held-out image, str[N]."""
    truth: Names = np.array(case.held_out.classes)[case.held_out.labels]
    return truth


def _mistakes(case: Case, answers: Probabilities) -> list[Mistake]:
    classes, labels = case.card.classes, case.held_out.labels
    return [
        Mistake(i, classes[labels[i]], classes[answers[i].argmax()], float(answers[i].max()))
        for i in worst_mistakes(labels, answers, PICTURED)
    ]

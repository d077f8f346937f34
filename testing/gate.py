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
from images.dataset import Dataset
from images.decode import from_raw
from images.errors import ImagesError
from images.split import split
from registry.card import Card
from registry.errors import Corrupt
from registry.record import Damaged, StageState
from registry.store import Registry
from testing import probe, verdict
from testing.comparison import Answers, Names, compare
from testing.contender import Contender, pull
from testing.errors import ClassesDiffer, NothingHeldOut
from testing.findings import Findings, Mistake, Unfit
from testing.scoring import Probabilities, score, worst_mistakes
from testing.settings import GateSettings

PICTURED = 24  # worst mistakes in the report
MODEL = "best_model.hdf5"


@dataclass(frozen=True)
class Case:
    """What is judged, by what, and against what.

    Attributes:
        registry: where the models are.
        candidate: what was in testing when the gate began.
        production: what was in production then, which alone it may replace; Damaged if nobody can
            tell what that is, or who put it there.
        card: the candidate's card.
        data: all images, of which only the held-out ones are shown to a model.
        held_out: those.
        settings: the thresholds.
    """

    registry: Registry
    candidate: StageState
    production: StageState | Damaged | None
    card: Card
    data: Dataset
    held_out: Dataset
    settings: GateSettings

    @property
    def version(self) -> str:
        """The version that is judged."""
        return self.candidate.record.version


def open_case(
    registry: Registry,
    candidate: StageState,
    production: StageState | Damaged | None,
    data: Dataset,
    settings: GateSettings,
) -> Case:
    """Lay out the case of a candidate.

    Raises:
        ClassesDiffer: the images have other classes than the candidate.
        NothingHeldOut: there is no image to judge by.
        RegistryError: the candidate's card cannot be read.
    """
    card = registry.card(candidate.record.version)
    _require_same_classes(card.classes, data)
    held_out = split(data).held_out
    if not len(held_out):
        raise NothingHeldOut(
            f"none of the {len(data)} images in {data.source} is held out: add images to GATE_DATA"
        )
    return Case(registry, candidate, production, card, data, held_out, settings)


def judge(case: Case) -> Findings:
    """Put the candidate to every check, up to the first that the later ones rest on."""
    with TemporaryDirectory(prefix="gate-") as folder:
        findings = Findings(Path(folder))
        with suppress(Unfit):
            _look_back(case, findings)
            classifier = _admit(case, findings)
            _probe(case, classifier, findings)
            answers = _score(case, classifier, findings)
            _compare(case, answers, findings)
    return findings


def _require_same_classes(classes: tuple[str, ...], data: Dataset) -> None:
    if classes == data.classes:
        return
    missing = [name for name in classes if name not in data.classes]
    unknown = [name for name in data.classes if name not in classes]
    faults = [
        f"{data.source} has no images of {verdict.listed(missing)}" if missing else "",
        f"the candidate does not know {verdict.listed(unknown)}" if unknown else "",
    ]
    difference = "; ".join(filter(None, faults)) or "their order differs"
    raise ClassesDiffer(
        f"the candidate in testing has other classes than GATE_DATA: {difference}: "
        "point GATE_DATA at the images that it was trained on, or train it again on these"
    )


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


def _score(case: Case, classifier: Classifier, findings: Findings) -> Names:
    """Score the candidate on the held-out images; returns its answers by name."""
    settings, held_out = case.settings, case.held_out
    findings.note(verdict.same_data(case.card.data.fingerprint, case.data.fingerprint))
    answers = classifier.predict(held_out.images)
    findings.require(probe.probabilities(answers, "held-out images"))
    scores = score(held_out.labels, answers, case.card.classes, settings.confidence)
    findings.scores = scores
    findings.mistakes = _mistakes(case, answers)
    findings.note(verdict.enough_images(scores.per_class, settings.min_per_class))
    findings.note(verdict.accuracy(scores, settings.min_accuracy))
    findings.note(verdict.recalls(scores.per_class, settings.min_recall))
    return _names(case.card.classes, answers)


def _compare(case: Case, answers: Names, findings: Findings) -> None:
    """Compare the candidate with what is in production, if there is anything to compare with."""
    if case.production is None:
        findings.note(verdict.nothing_to_compare("production is empty: nothing to compare with"))
        return
    rival = _rival(case, case.production, findings)
    if rival is None:
        return
    known = rival.card.classes
    findings.note(verdict.kept_classes(case.card.classes, known, case.settings.drop_classes))
    if set(known).isdisjoint(case.card.classes):
        findings.note(verdict.nothing_to_compare("no class in common with production"))
        return
    rival_answers = _names(known, rival.classifier.predict(case.held_out.images))
    truth = np.array(case.held_out.classes)[case.held_out.labels]
    both = Answers(truth, answers, rival_answers).of(known)
    level = case.settings.confidence
    findings.comparison = compare(rival.card.version, both, level)
    findings.note(verdict.non_inferiority(findings.comparison, case.settings.margin, level))


def _rival(case: Case, production: StageState | Damaged, findings: Findings) -> Contender | None:
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


def _names(classes: tuple[str, ...], answers: Probabilities) -> Names:
    names: Names = np.array(classes)[answers.argmax(axis=1)]
    return names


def _mistakes(case: Case, answers: Probabilities) -> list[Mistake]:
    classes, labels = case.card.classes, case.held_out.labels
    return [
        Mistake(i, classes[labels[i]], classes[answers[i].argmax()], float(answers[i].max()))
        for i in worst_mistakes(labels, answers, PICTURED)
    ]

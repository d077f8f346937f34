"""One run of the gate, from the stage to its outcome."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from alerts.alert import Alert
from alerts.sender import AlertSender
from images.source import load
from process.errors import Failure, UsageError
from registry.errors import Corrupt
from registry.record import StageState
from registry.store import Registry
from registry.verdict import Variant, Verdict
from testing import promote, report
from testing.case import Case, open_case
from testing.errors import NoCandidate, NotIntact
from testing.findings import Findings
from testing.gate import MODEL, judge
from testing.settings import GateSettings
from testing.verdict import percent, points

Lines = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Outcome:
    """What a run of the gate came to.

    Attributes:
        exit_code: 0 if the candidate is in production, or passed and is not to go there yet.
        lines: what to tell a person, as headings and facts.
    """

    exit_code: int
    lines: Lines

    @property
    def text(self) -> str:
        """The lines, aligned."""
        return "".join(f"{heading:<11}{fact}\n" for heading, fact in self.lines)


def run_gate(settings: GateSettings, registry: Registry, alerts: AlertSender) -> Outcome:
    """Judge what is in testing; write the verdict; promote, unless told not to, or refuse.

    Operators are told of a refusal, and of a failure that they did not see on a command line.

    Raises:
        NoCandidate: testing is empty.
        NotIntact: the candidate is in production already, and damaged there.
        ClassesDiffer, NothingHeldOut: the images do not fit the candidate.
        WrongSlices: the file of slices does not fit the images.
        Overtaken: another changed production meanwhile.
        RegistryError: the registry cannot be used, or OutcomeUnknown.
    """
    try:
        return _run(settings, registry, alerts)
    except UsageError:
        raise
    except Failure as failure:
        alerts.send(Alert(f"failed-{type(failure).__name__}", "the gate failed", str(failure)))
        raise


def _run(settings: GateSettings, registry: Registry, alerts: AlertSender) -> Outcome:
    candidate, production = registry.current("testing"), registry.inspect("production")
    if candidate is None:
        raise NoCandidate("the testing stage holds no model: run `python -m training` first")
    version = candidate.record.version
    if isinstance(production, StageState) and production.record.version == version:
        _require_intact(registry, production)
        return Outcome(0, (("verdict", "in production already"), ("version", version)))
    case = open_case(registry, candidate, production, load(settings.data), settings)
    findings = judge(case)
    verdict = _verdict(case, findings)
    attachments = report.render(case, findings, verdict)
    where = registry.add_verdict(verdict, attachments | findings.files)
    copy = promote.leave_copies(Path(settings.reports), attachments)
    if not verdict.passed:
        promote.refuse(alerts, verdict, where)
    elif settings.promote:
        promote.promote(registry, verdict, production)
    places = where if copy is None else f"{copy}, and in the registry: {where}"
    lines = _facts(verdict, findings, settings.promote, places)
    return Outcome(0 if verdict.passed else 1, lines)


def _require_intact(registry: Registry, production: StageState) -> None:
    with TemporaryDirectory(prefix="gate-") as folder:
        try:
            registry.fetch(production, Path(folder) / MODEL)
        except Corrupt as damage:
            version = production.record.version[:12]
            raise NotIntact(
                f"PRODUCTION IS BROKEN: it holds the candidate, {version}, already, but {damage}: "
                f"put it back with `python -m registry rollback --to {version} --why ...`"
            ) from damage


def _verdict(case: Case, findings: Findings) -> Verdict:
    production = case.production
    return Verdict(
        id=case.registry.new_verdict_id(),
        version=case.version,
        compared_with=production.record.version if isinstance(production, StageState) else "",
        passed=findings.passed,
        checks=tuple(findings.checks),
        metrics=findings.metrics,
        data_fingerprint=case.data.fingerprint,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        variants=tuple(findings.variants),
    )


def _told(variant: Variant) -> str:
    if not variant.passed:
        return f"{variant.precision} is left out: {variant.sentence}"
    return f"{variant.precision}, {variant.latency_ms:.2g} ms for one image: {variant.sentence}"


def _facts(verdict: Verdict, findings: Findings, promoted: bool, places: str) -> Lines:
    passed = "promoted to production" if promoted else "passed, and not promoted (GATE_PROMOTE)"
    lines = [("verdict", passed if verdict.passed else "REFUSED"), ("version", verdict.version)]
    if scores := findings.scores:
        lines.append(("accuracy", f"{percent(scores.accuracy)} on {scores.images} images"))
        lines.append(("F1", f"{percent(scores.f1)}, the mean over {len(scores.per_class)} classes"))
    if rival := findings.comparison:
        lines.append(("difference", f"{points(rival.difference)} to {rival.version[:12]}"))
    lines += [("variant", _told(variant)) for variant in findings.variants]
    lines += [("reason", sentence) for sentence in verdict.reasons]
    lines.append(("report", places))
    if verdict.passed and not promoted:
        lines.append(("promote", f"python -m registry promote {verdict.version} --why ..."))
    return tuple(lines)

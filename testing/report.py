"""The report of a verdict: one HTML page that needs nothing beside it, and the same as JSON.

Class names and file names come from folders, so they may hold anything: the templates escape
whatever they are given, and the page's own policy lets no script run and nothing be fetched.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from intervals.wilson import Estimate
from registry.document import encode
from registry.sentence import visible
from registry.verdict import Verdict
from testing import advice, pictures, plots
from testing.case import Case
from testing.findings import Findings
from testing.pictures import data_uri
from testing.robustness import ASKED

CONFUSED = 10  # pairs of classes that the report lists
STYLE = (Path(__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")


def render(case: Case, findings: Findings, verdict: Verdict) -> dict[str, bytes]:
    """The report's files, by name: ``report.html`` and ``report.json``."""
    return {
        "report.html": _page(case, findings, verdict).encode("utf-8", "replace"),
        "report.json": encode(_document(case, findings, verdict)),
    }


def _document(case: Case, findings: Findings, verdict: Verdict) -> dict[str, Any]:
    card = asdict(case.card)
    del card["golden"]  # an image's pixels are nothing to read
    return {
        "verdict": asdict(verdict),
        "card": card,
        "mistakes": [
            asdict(mistake) | {"name": case.held_out.names[mistake.index]}
            for mistake in findings.mistakes
        ],
        "thresholds": case.settings.model_dump(),
    }


def _page(case: Case, findings: Findings, verdict: Verdict) -> str:
    templates = Environment(
        loader=PackageLoader("testing"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    templates.filters |= {"estimate": estimate, "visible": visible}
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return templates.get_template("report.html").render(
        style=Markup(STYLE),
        style_hash=digest,
        verdict=verdict,
        case=case,
        card=case.card,
        findings=findings,
        scores=findings.scores,
        comparison=findings.comparison,
        calibration=findings.calibration,
        robustness=findings.robustness,
        rival_robustness=findings.rival_robustness,
        levels=[str(level) for level in ASKED],
        damaged=list(pictures.damaged(case)) if findings.robustness else [],
        pictured_level=pictures.LEVEL,
        data_findings=list(pictures.findings(case)),
        advice=advice.sections(case, findings),
        plots=_plots(case, findings),
        confused=list(_confused(case, findings)),
        pictures=[pictures.mistake(case, each) for each in findings.mistakes],
    )


def _plots(case: Case, findings: Findings) -> dict[str, str]:
    """The pictures that can be drawn, as data URIs."""
    drawn = {}
    if case.card.history:
        drawn["learning_curve"] = data_uri(plots.learning_curve(case.card.history))
    if scores := findings.scores:
        drawn["confusion"] = data_uri(plots.confusion(scores.confusion, case.card.classes))
        drawn["reliability"] = data_uri(plots.reliability(scores.reliability, scores.level))
        if findings.calibration:
            curve = plots.coverage(findings.calibration, scores.images, scores.level)
            drawn["coverage"] = data_uri(curve)
    return drawn


def _confused(case: Case, findings: Findings) -> Iterator[tuple[str, str, int]]:
    """The pairs of classes confused most often: the truth, the answer, how many images."""
    if findings.scores is None:
        return
    classes = case.card.classes
    pairs = [
        (images, row, column)
        for row, line in enumerate(findings.scores.confusion)
        for column, images in enumerate(line)
        if images and row != column
    ]
    for images, row, column in sorted(pairs, key=lambda pair: -pair[0])[:CONFUSED]:
        yield classes[row], classes[column], images


def estimate(figure: Estimate) -> Markup:
    """A figure with its interval, in per cent."""
    return Markup('{:.1f} % <span class="interval">{:.1f} to {:.1f}</span>').format(
        100 * figure.value, 100 * figure.low, 100 * figure.high
    )

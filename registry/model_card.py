"""A version's model card for people, as Markdown, and as a page rendered from the same Markdown.

The sections are those of Mitchell et al. 2019, *Model Cards for Model Reporting*
(https://arxiv.org/abs/1810.03993). Nothing stands in it that the registry does not know.
"""

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import markupsafe
from jinja2 import Environment, PackageLoader, StrictUndefined, Template, Undefined
from markupsafe import Markup

from registry import figures
from registry.card import Card
from registry.describe import short
from registry.dossier import Dossier
from registry.figures import Estimate
from registry.limits import limits
from registry.markdown import Verbatim, code, escape, html

T = TypeVar("T")

NAMED = 20  # images or files in one cell
DASH = Verbatim("-")  # for what is not known
POINTS = 11  # of a curve that may have thousands
STYLE = (Path(__file__).parent / "templates" / "model_card.css").read_text(encoding="utf-8")
OVERALL = {
    "accuracy": "accuracy",
    "precision": "precision, mean over classes",
    "recall": "recall, mean over classes",
    "f1": "F1, mean over classes",
}
MEASURES = {
    "log_loss": ("log loss", "{:.4f}"),
    "latency_ms": ("time for one image", "{:.1f} ms"),
    "size_bytes": ("size of the file", "{:.0f} bytes"),
}


def markdown(dossier: Dossier) -> str:
    """The model card as Markdown: CommonMark with GitHub's tables."""
    text = _template("model_card.md", escape).render(_facts(dossier))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def page(dossier: Dossier) -> str:
    """The model card as one HTML page that fetches nothing and runs nothing."""
    return _template("model_card.html", markupsafe.escape).render(
        version=short(dossier.card.version),
        style=Markup(STYLE),
        style_hash=base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode(),
        body=Markup(html(markdown(dossier))),
    )


@functools.cache
def _template(name: str, escape: Callable[[object], str]) -> Template:
    """A template, each value of which passes through ``escape``."""
    templates = Environment(
        loader=PackageLoader("registry"),
        finalize=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    templates.filters |= {each.__name__: each for each in FILTERS}
    return templates.get_template(name)


def _facts(dossier: Dossier) -> dict[str, object]:
    """What the template is filled with."""
    metrics = dossier.verdict.metrics if dossier.verdict else {}
    slices = figures.rows(figures.section(metrics, "slices"))
    robustness = figures.corruptions(metrics)
    return {
        "dossier": dossier,
        "card": dossier.card,
        "verdict": dossier.verdict,
        "placements": dossier.placements,
        "limits": limits(dossier),
        "level": figures.number(metrics.get("level")),
        "accuracy": figures.estimate(metrics.get("accuracy")),
        "overall": list(_overall(metrics)),
        "per_class": figures.rows(figures.section(metrics, "per_class")),
        "comparison": figures.section(metrics, "comparison"),
        "robustness": robustness,
        "levels": list(dict.fromkeys(level for row in robustness.values() for level in row)),
        "damaged": {name: figures.damaged(metrics, name) for name in ("mean", "clean")},
        "slices": slices,
        "slice_figures": list(dict.fromkeys(name for row in slices for name in row.figures)),
        "held_out_calibration": list(_calibration(metrics)),
        **_training(dossier.card),
    }


def _overall(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in OVERALL:
        if found := figures.estimate(metrics.get(name)):
            yield OVERALL[name], str(found)
    for name, (title, pattern) in MEASURES.items():
        if (value := figures.number(metrics.get(name))) is not None:
            yield title, pattern.format(value)


def _calibration(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the gate found of confidence, on images that training has not seen."""
    found = figures.section(metrics, "calibration")
    error = figures.number(found.get("ece", metrics.get("calibration_error")))
    if error is not None:
        yield "calibration error on held-out images", f"{error:.4f}"
    if (chance := figures.number(found.get("chance"))) is not None:
        yield "of which luck may explain", f"{chance:.4f}"
    if coverage := figures.estimate(found.get("coverage")):
        yield "held-out images answered with a class at the threshold", str(coverage)
    if accuracy := figures.estimate(found.get("accuracy")):
        yield "of these answered rightly", str(accuracy)


def _training(card: Card) -> dict[str, object]:
    """How training went: how many epochs, and each metric over them."""
    best = figures.number(card.metrics.get("best_epoch"))
    epochs = max(map(len, card.history.values()), default=0)
    kept = int(best) if best and 1 <= best <= epochs else None
    history = [
        (name, _figure(values, 0), _figure(values, kept - 1) if kept else DASH, _figure(values, -1))
        for name, values in card.history.items()
    ]
    return {"epochs": epochs, "best_epoch": kept, "history": history}


def _figure(values: Sequence[float], index: int) -> str:
    return f"{values[index]:.4g}" if -1 <= index < len(values) and values else DASH


# --- filters of the template ---


def cells(values: Iterable[object]) -> str:
    """Values as neighbouring cells of a table."""
    return Verbatim(" | ".join(map(escape, values)))


def rule(values: Iterable[object]) -> str:
    """What stands under as many cells of a table's head."""
    return Verbatim(" | ".join("---" for _ in values))


def of(members: Mapping[str, object], names: Iterable[str]) -> list[str]:
    """The members of these names."""
    return [known(members.get(name)) for name in names]


def known(value: object) -> str:
    """A value, or a dash for none."""
    return DASH if isinstance(value, Undefined) or value in (None, "") else str(value)


def share(value: float | None) -> str:
    """A part of 1, in per cent."""
    return DASH if value is None else str(Estimate(value))


def first_few(names: Sequence[str]) -> str:
    """How many names there are, and the first of them."""
    return f"{len(names)}: {listed(names)}" if names else "none"


def listed(names: Sequence[str]) -> str:
    """The first names, without a count: of what training found, the card may name only a part."""
    if not names:
        return DASH
    more = ", ..." if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def spread(points: Sequence[T]) -> list[T]:
    """A few points from all over a curve, its ends among them."""
    if len(points) <= POINTS:
        return list(points)
    return [points[round(n * (len(points) - 1) / (POINTS - 1))] for n in range(POINTS)]


def time(text: str) -> str:
    """A time of a record or a card, in UTC; anything else as it is."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        return text


FILTERS = (cells, code, first_few, known, listed, of, rule, share, short, spread, time)

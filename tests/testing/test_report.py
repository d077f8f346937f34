"""The report, read as a browser reads it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from images.dataset import Dataset, Skipped
from registry.card import DataFinding
from registry.record import StageState
from registry.sentence import visible
from registry.store import Registry
from registry.verdict import Check, Verdict
from testing import pictures
from testing.case import Case, open_case
from testing.findings import Findings
from testing.gate import judge
from testing.report import render
from testing.settings import GateSettings
from tests.html_page import Page
from tests.testing.paint import COLOURS, RIGHT

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} & $x^{",
)
FOUND = ("nowhere/<b>.png", "nowhere/2.png")
UGLY = ("\u202egnp.exe", "عربي", "x" * 255)

Publish = Callable[..., StageState]


def images(names: tuple[str, ...]) -> Dataset:
    """Forty images of each of three classes, as the folders of these names would give them."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    shades = np.array(list(COLOURS.values()))[labels] + rng.integers(-25, 26, (120, 3))
    pixels = np.broadcast_to(shades[:, None, None], (120, 128, 128, 3)).astype(np.uint8)
    files = tuple(f"{names[label]}/{n}.png" for n, label in enumerate(labels))
    skipped = (Skipped(f"{names[0]}/0.png", "<b>truncated</b>"),)
    return Dataset("<i>folder</i>", pixels, labels, names, files, skipped)


@pytest.fixture
def make_case(registry: Registry, publish: Publish, settings: GateSettings) -> Callable[..., Case]:
    def make(weights: Any, names: tuple[str, ...], **changes: Any) -> Case:
        found = DataFinding(names[0], f"seen: {names[1]}", f"do: {names[2]}", (*FOUND, names[0]))
        candidate = publish(weights, classes=names, **changes)
        card = registry.card(candidate.record.version)
        data = images(names)
        case = open_case(registry, candidate, None, data, settings)
        findings = (replace(found, images=(*data.names[:14:7], *found.images)),)
        return replace(
            case,
            card=replace(card, data=replace(card.data, findings=findings)),
            settings=settings.model_copy(update={"robustness_images": 3}),
            slices={name: frozenset(data.names[:50]) for name in names},
        )

    return make


def verdict_of(case: Case, findings: Findings) -> Verdict:
    return Verdict(
        "20260101-abc",
        case.version,
        "",
        findings.passed,
        tuple(findings.checks),
        findings.metrics,
        case.data.fingerprint,
        "2026-01-01T00:00:00+00:00",
    )


def pages(case: Case, findings: Findings) -> tuple[Page, Any]:
    files = render(case, findings, verdict_of(case, findings))
    assert set(files) == {"report.html", "report.json"}
    return Page(files["report.html"].decode()), json.loads(files["report.json"])


@pytest.mark.parametrize("names", [HOSTILE, UGLY])
def test_names_from_folders_are_only_ever_text(
    names: tuple[str, ...], make_case: Callable[..., Case]
) -> None:
    case = make_case(-RIGHT, names, arguments={names[0]: names[1]})
    page, document = pages(case, judge(case))
    assert {tag for tag, _ in page.elements} <= {
        *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer"),
        *("h1", "h2", "h3", "p", "ul", "li", "div", "span", "b", "br", "bdi", "code", "img"),
        *("table", "tr", "th", "td", "figure", "figcaption", "dl", "dt", "dd"),
    }
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    for name in names:
        assert visible(name) in page.text
    assert "49" not in page.text.split()
    assert document["card"]["classes"] == list(names)


def test_page_fetches_nothing_and_runs_nothing(make_case: Callable[..., Case]) -> None:
    case = make_case(-RIGHT, tuple(COLOURS))
    page, _ = pages(case, judge(case))
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m) or ""
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    sources = [image["src"] or "" for image in page.all("img")]
    assert len(sources) > 3
    for source in sources:
        kind, _, content = source.partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(content).startswith(b"\x89PNG")
    assert not re.search(r"url\(|@import", page.style)


def test_every_image_is_described(make_case: Callable[..., Case]) -> None:
    case = make_case(-RIGHT, tuple(COLOURS))
    page, _ = pages(case, judge(case))
    assert all(image["alt"] for image in page.all("img"))


def test_verdict_comes_first_with_every_check(make_case: Callable[..., Case]) -> None:
    case = make_case(-RIGHT, tuple(COLOURS))
    findings = judge(case)
    page, document = pages(case, findings)
    assert "The gate refused this model" in page.text
    headline = page.text.index("The gate refused")
    for check in findings.checks:
        assert check.sentence in page.text[headline:]
    assert document["verdict"]["passed"] is False
    assert len(document["verdict"]["checks"]) == len(findings.checks)


def test_figures_are_those_of_the_verdict(make_case: Callable[..., Case]) -> None:
    case = make_case(RIGHT, tuple(COLOURS))
    findings = judge(case)
    page, document = pages(case, findings)
    assert "The gate passed this model" in page.text
    assert "None: every held-out image was answered rightly." in page.text
    assert "No class was taken for another." in page.text
    assert "100.0 %" in page.text
    assert document["verdict"]["metrics"]["accuracy"]["value"] == 1
    assert document["verdict"]["metrics"]["per_class"].keys() == COLOURS.keys()
    assert document["thresholds"]["min_accuracy"] == 0.95
    assert "golden" not in document["card"]


def test_page_says_what_held_out_means_and_whose_intervals_it_shows(
    make_case: Callable[..., Case],
) -> None:
    case = make_case(RIGHT, tuple(COLOURS))
    page, _ = pages(case, judge(case))
    assert "near-duplicates together" in page.text
    assert "never trained on" not in page.text
    assert "Tango's (1998) score interval" in page.text


def test_mistakes_are_pictured_worst_first(make_case: Callable[..., Case]) -> None:
    case = make_case(-RIGHT, tuple(COLOURS))
    _, document = pages(case, judge(case))
    confidences = [mistake["confidence"] for mistake in document["mistakes"]]
    assert len(confidences) > 5
    assert confidences == sorted(confidences, reverse=True)
    assert all(m["truth"] != m["answer"] for m in document["mistakes"])
    assert all(m["name"].startswith(m["truth"]) for m in document["mistakes"])


def test_every_section_ends_with_what_to_do(make_case: Callable[..., Case]) -> None:
    for weights in (RIGHT, -RIGHT):
        case = make_case(weights, tuple(COLOURS))
        html = render(case, *_judged(case))["report.html"].decode()
        sections = re.findall(r"<section>.*?</section>", html, re.DOTALL)
        assert len(sections) == 12
        for section in sections:
            assert re.search(r'<p class="do">[^<]+\.?</p>\s*</section>$', section), section[:80]


def _judged(case: Case) -> tuple[Findings, Verdict]:
    findings = judge(case)
    return findings, verdict_of(case, findings)


def test_data_findings_are_pictured_and_unknown_images_are_named(
    make_case: Callable[..., Case],
) -> None:
    case = make_case(RIGHT, tuple(COLOURS))
    page, document = pages(case, judge(case))
    pictured = [image["alt"] for image in page.all("img") if image["alt"]]
    assert [f"Image {name}" in pictured for name in case.data.names[:14:7]] == [True, True]
    assert "Image nowhere/2.png" not in pictured
    assert "nowhere/2.png" in page.text
    [found] = document["card"]["data"]["findings"]
    assert found["sentence"] in page.text
    assert found["advice"] in page.text


def test_no_more_images_of_a_finding_than_fit_are_pictured(
    make_case: Callable[..., Case],
) -> None:
    case = make_case(RIGHT, tuple(COLOURS))
    found = DataFinding("many", "many", "look", case.data.names)
    data = replace(case.card.data, findings=(found,))
    [shown] = pictures.findings(replace(case, card=replace(case.card, data=data)))
    assert (len(shown.pictures), shown.unknown, shown.more) == (12, (), len(case.data) - 12)


def test_report_of_a_model_that_could_not_be_asked(make_case: Callable[..., Case]) -> None:
    case = make_case(RIGHT, tuple(COLOURS), history={})
    findings = Findings(Path("unused"), [Check("loads", False, "it is <not> a model")])
    page, document = pages(case, findings)
    assert "it is <not> a model" in page.text
    assert "was not shown a held-out image" in page.text
    assert all((image["alt"] or "").startswith("Image ") for image in page.all("img"))  # the data's
    assert document["mistakes"] == []


def test_page_has_a_dark_scheme_that_sets_every_colour(make_case: Callable[..., Case]) -> None:
    case = make_case(RIGHT, tuple(COLOURS), history={})
    page, _ = pages(case, Findings(Path("unused")))
    light, dark = re.findall(r":root \{([^}]*)\}", page.style)
    colours = re.compile(r"(--[\w-]+): (#\w+);")
    one, other = (dict(colours.findall(scheme)) for scheme in (light, dark))
    assert one.keys() == other.keys() == set(re.findall(r"var\((--[\w-]+)\)", page.style))
    assert all(one[name] != other[name] for name in one)

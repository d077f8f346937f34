"""The model card, read as people's programs read it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from registry import document, model_card, names
from registry.backend import Backend
from registry.card import Calibration, Card, CurvePoint, Data, DataFinding
from registry.dossier import Dossier, Placement, gather
from registry.memory import MemoryBackend
from registry.model_card import markdown, page
from registry.record import StageRecord
from registry.sentence import visible
from registry.store import Registry
from registry.verdict import Check, Variant, Verdict
from tests.html_page import Page
from tests.registry.hostile_text import HOSTILE, hostile_text
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, approved, card, promoted, verdict

Samples = Callable[[int], list[Sample]]

VERSION = "ab" * 32
SECTIONS = (
    *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data"),
    *("Training", "Quantitative analyses", "Ethical considerations"),
    *("Caveats and recommendations", "Lineage", "Verdicts"),
)
INTERVAL = {"value": 0.9, "low": 0.8, "high": 0.95}
METRICS: dict[str, Any] = {
    "images": 40,
    "level": 0.95,
    "accuracy": INTERVAL,
    "precision": INTERVAL,
    "log_loss": 0.3,
    "calibration_error": 0.05,
    "per_class": {
        "circle": {"images": 20, "precision": INTERVAL, "recall": INTERVAL, "f1": INTERVAL},
        "cross": {"images": 20, "precision": INTERVAL, "recall": 0.55, "f1": INTERVAL},
    },
    "comparison": {"version": "cd" * 32, "images": 40, "won": 3, "lost": 1},
    "latency_ms": 1.5,
    "size_bytes": 1000,
    "calibration": {"ece": 0.0123, "chance": 0.01, "coverage": INTERVAL, "accuracy": None},
    "robustness_summary": {"mean": 0.8, "clean": INTERVAL},
    "robustness": {"noise": {"1": 0.85, "3": 0.4}, "blur": {"1": INTERVAL}},
    "slices": {"night": {"images": 9, "accuracy": 0.5}, "day": {"images": 31, "accuracy": 1}},
}
CALIBRATION = Calibration(
    images=30,
    ece_before=0.08,
    ece_after=0.02,
    coverage=0.9,
    accuracy=0.99,
    reached=False,
    curve=tuple(CurvePoint(n / 100, 1 - n / 200, 0.9 + n / 2000) for n in range(101)),
)


def full(text: str = "text") -> Dossier:
    """A dossier in which everything is, and ``text`` wherever text may come from elsewhere."""
    figures = METRICS | {
        "per_class": {text: METRICS["per_class"]["cross"], "second": INTERVAL},
        "robustness": {text: {text: 0.5}},
        "slices": {text: {"images": 9, "accuracy": 0.5, text: 0.4}},
    }
    found = DataFinding("duplicates", text, text, (text, text))
    data = Data(text, text, {text: 7}, {text: 9, "second": 9}, (text,), (text,), (found,))
    described = Card(
        version=VERSION,
        classes=(text, "second"),
        input_shape=(128, 128, 3),
        input_dtype=text,
        threshold=0.5,
        arguments={text: text, "warm_start": True},
        data=data,
        metrics={"val_accuracy": 0.5, "best_epoch": 2},
        history={text: (1.0, 0.5, 0.4)},
        golden=card(VERSION).golden,
        created=text,
        code_revision=text,
        libraries={text: text},
        temperature=1.5,
        calibration=CALIBRATION,
    )
    made = (
        Variant("float32", True, text, "ab" * 32, 500, 0.15, 6400.0),
        Variant("int8", False, text),
    )
    checks = (Check(text, False, text),)
    judged = Verdict("id", VERSION, text, False, checks, figures, text, text, made)
    record = StageRecord(
        "production", VERSION, "", 1, text, "promote", text, text, text, forced=True
    )
    return Dossier(
        card=described,
        verdicts=(judged, replace(judged, passed=True)),
        signature=text,
        placements=(
            Placement(record, "ef" * 32, False, text),
            Placement(record, "", True, text),
        ),
        before="12" * 32,
        gaps=(text,),
    )


def structure(text: str) -> list[str]:
    """What a Markdown parser that lets HTML through makes of it, but for the text itself."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    kinds = []
    for token in parser.parse(text):
        kinds.append(f"{token.type} {token.tag}")
        kinds += [child.type for child in token.children or [] if child.type not in TEXT]
    return kinds


TEXT = ("text", "text_special", "code_inline")  # an id that is plain is written as code


@given(hostile_text)
@settings(max_examples=60)
def test_text_from_elsewhere_changes_nothing_but_text(text: str) -> None:
    assume(text not in ("second", "warm_start", "accuracy", "images", "noise"))
    assert structure(markdown(full(text))) == structure(markdown(full()))
    made = Page(page(full(text)))
    assert [tag for tag in made.tags if tag != "code"] == [
        tag for tag in Page(page(full())).tags if tag != "code"
    ]
    assert visible(text) in made.text.translate({0x2068: None, 0x2069: None})


@pytest.mark.parametrize("text", HOSTILE)
def test_elements_are_few_and_bare(text: str) -> None:
    for tag, attributes in Page(page(full(text))).elements:
        allowed = {"a": {"href"}, "html": {"lang"}, "meta": {*attributes}}.get(tag, set())
        assert set(attributes) <= allowed
        assert attributes.get("href") in (None, "https://arxiv.org/abs/1810.03993")
    assert "49" not in re.findall(r"\d+", markdown(full("{{ 7 * 7 }}")))


def test_page_fetches_nothing_and_runs_nothing() -> None:
    made = Page(page(full()))
    policy = next(each["content"] for _, each in made.elements if "http-equiv" in each) or ""
    digest = base64.b64encode(hashlib.sha256(made.style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"url\(|@import", made.style)
    assert "prefers-color-scheme: dark" in made.style
    assert not {"script", "img", "link", "iframe", "form", "object"} & set(made.tags)


def test_every_section_of_the_paper_is_there() -> None:
    text = markdown(full())
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == list(SECTIONS)
    assert "Mitchell et al." in text
    assert "arXiv:1810.03993" in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.sampled_from(sorted(METRICS)),
)
@settings(max_examples=100)
def test_no_form_of_a_figure_stops_the_card(value: object, name: str) -> None:
    [latest, *earlier] = full().verdicts
    odd = replace(latest, metrics=METRICS | {name: value})
    assert page(replace(full(), verdicts=(odd, *earlier)))


# --- what the registry knows ---


def test_images_of_a_finding_are_not_counted_as_if_all_were_named() -> None:
    found = DataFinding("duplicates", "133 repeat.", "Act.", tuple(map("{}.png".format, range(50))))
    dossier = full()
    data = replace(dossier.card.data, findings=(found, replace(found, images=("7.png",))))
    text = model_card.markdown(replace(dossier, card=replace(dossier.card, data=data)))
    many, one = cells(text, "133 repeat.")
    assert many[1].startswith("0.png, 1.png, ")
    assert many[1].endswith("19.png, ...")
    assert one == ["Act.", "7.png"]


def cells(text: str, first: str) -> list[list[str]]:
    """The cells of the rows of a table whose first cell is ``first``."""
    rows = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [row[1:] for row in rows if row[0] == first]


def card_of(registry: Registry, version: str) -> str:
    return markdown(gather(registry, version))


def test_a_version_through_its_life(registry: Registry, samples: Samples) -> None:
    one, two = samples(2)
    registry.publish(one.path, one.card, "a new model")
    text = card_of(registry, one.version)
    assert "This version is in testing since" in text
    assert "The gate has not judged it." in text
    assert "nothing is known of it on images held out" in text

    promoted(registry, one)
    text = card_of(registry, one.version)
    assert "is in production since" in text
    assert "with an accuracy of 97.0 % on held-out images" in text
    assert "latest verdict, and on the card that it judged by: valid, by key " in text

    promoted(registry, two)
    registry.rollback("it sees | circles")
    newest, first = cells(card_of(registry, one.version), "production")
    assert newest[:1] + newest[2:5] == ["3", "rollback", "tester@host", r"it sees \| circles"]
    assert newest[5:7] == [f"`{two.version[:12]}`", "in it now"]
    assert newest[7].startswith("valid, by key ")
    assert (first[0], first[5:7]) == ("1", ["nothing", f"`{two.version[:12]}`"])
    text = card_of(registry, two.version)
    assert "is in testing since" in text
    assert cells(text, "production")[0][6] == f"`{one.version[:12]}`"


def test_verdicts_are_listed_newest_first(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    version = approved(registry, one)
    registry.add_verdict(verdict(registry, version, passed=False), {})
    text = card_of(registry, version)
    assert "The gate refused it" in text
    assert "The gate refused this version: accuracy is 0.97, 0.98 is required" in text
    results = re.findall(r"\| (passed|REFUSED) \|", text)
    assert results[:2] == ["REFUSED", "passed"]
    assert "valid, by key" in text


def test_a_stage_that_was_emptied_holds_nothing(samples: Samples) -> None:
    [one] = samples(1)
    backend = MemoryBackend()
    registry = Registry(backend, "", trust=trust())
    promoted(registry, one)
    del backend._objects[names.stage("production")]
    text = card_of(registry, one.version)
    assert cells(text, "production")[0][6] == "not known"
    assert "This version is in testing since" in text


def test_a_forced_promotion_is_among_the_limits(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "a new model")
    registry.promote(one.version, None, "no time", force=True)
    assert "put into production by force" in card_of(registry, one.version)


def test_signatures_that_do_not_hold(samples: Samples) -> None:
    [one] = samples(1)
    backend = MemoryBackend()
    promoted(Registry(backend, "", trust=trust()), one)
    other = Registry(backend, "", trust=trust(1))
    text = card_of(other, one.version)
    assert "NOT VALID: signed by another key" in text
    assert "**Not known:** production/best\\_model.hdf5 is not trusted" in text

    unsigned = MemoryBackend()
    promoted(Registry(unsigned, ""), one)
    text = card_of(Registry(unsigned, ""), one.version)
    assert "judged by: not signed." in text
    assert cells(text, "production")[0][7] == "not signed"


def test_a_card_from_before_calibration(samples: Samples) -> None:
    [one] = samples(1)
    backend = MemoryBackend()
    registry = Registry(backend, "")
    old: dict[str, Any] = json.loads(document.encode(one.card))
    del old["temperature"], old["calibration"], old["data"]["findings"], old["data"]["ambiguous"]
    backend.create(names.model(one.version), BytesIO(one.content))
    backend.create(names.card(one.version), BytesIO(json.dumps(old).encode()))
    text = card_of(registry, one.version)
    assert "| temperature | not fitted |" in text
    assert "was not calibrated" in text
    assert "It never was in a stage" in text


def test_damage_is_a_gap_and_hides_nothing_else(backend: Backend, samples: Samples) -> None:
    [one] = samples(1)
    registry = Registry(backend, "", trust=trust())
    version = approved(registry, one)
    backend.create(names.verdict(version, "9"), BytesIO(b"not JSON"))
    text = card_of(registry, version)
    assert re.search(r"\*\*Not known:\*\* versions/.*/gate/9/verdict.json is not a valid", text)
    assert cells(text, "testing")


# --- its figures ---


def with_metrics(figures: Mapping[str, Any], **changes: Any) -> str:
    [latest, *_] = full().verdicts
    described = replace(full().card, created="2026-01-01T00:00:00+00:00", **changes)
    judged = replace(latest, passed=True, metrics=dict(figures))
    return markdown(replace(full(), card=described, verdicts=(judged,)))


def test_figures_of_the_latest_verdict() -> None:
    text = with_metrics(METRICS)
    assert cells(text, "accuracy")[0] == ["90.0 % (80.0 to 95.0)"]
    assert cells(text, "cross") == [
        ["20", "90.0 % (80.0 to 95.0)", "55.0 %", "90.0 % (80.0 to 95.0)"]
    ]
    assert cells(text, "accuracy under") == [["1", "3"]]
    assert cells(text, "noise") == [["85.0 %", "40.0 %"]]
    assert cells(text, "blur") == [["90.0 % (80.0 to 95.0)", "-"]]
    assert "The mean over all is 80.0 %; the same images as they are: 90.0 %" in text
    assert cells(text, "night") == [["9", "50.0 %"]]
    assert cells(text, "calibration error on held-out images") == [["0.0123"]]
    assert cells(text, "of which luck may explain") == [["0.0100"]]
    assert len(cells(text, "of these answered rightly")) == 1
    assert "right on 3 where `cdcdcdcdcdcd` was wrong, and wrong on 1" in text


def test_variants_are_told_with_what_was_found() -> None:
    text = markdown(full("found"))
    assert cells(text, "float32") == [["yes", "0.15 ms", "6400", "500", "found"]]
    assert cells(text, "int8") == [["no", "-", "-", "-", "found"]]
    older = tuple(replace(each, variants=()) for each in full().verdicts)
    assert "### Variants" not in markdown(replace(full(), verdicts=older))


def test_limits_follow_from_the_figures() -> None:
    text = with_metrics(METRICS)
    limits = text.split("## Caveats and recommendations")[1].split("## Lineage")[0]
    for sentence in (
        "Fewer than 50 images in all are of text, second.",
        "Fewer than 30 held-out images are of circle, cross",
        "Less than 80% of the images are recognised of cross (55.0 %).",
        "The worst corruption tried is noise at level 3: accuracy 40.0 %, instead of 90.0 %",
        "The slice answered worst is night: accuracy 50.0 %.",
        'less than 0.5 confidence is answered as "other"',
        "It sees 128 x 128 pixels",
        "1 files could not be read",
    ):
        assert sentence in limits
    assert "not calibrated" not in limits


def test_what_the_gate_did_not_measure_is_said() -> None:
    early = {k: v for k, v in METRICS.items() if k not in ("calibration", "robustness", "slices")}
    text = with_metrics(early, calibration=None, threshold=0.0)
    assert text.count("\nNot measured.\n") == 2
    assert cells(text, "calibration error on held-out images") == [["0.0500"]]
    assert "\nNot fitted.\n" in text
    assert "noisy, blurred or badly lit images was not measured" in text
    assert 'never answers "other"' in text
    assert "Corruptions of the image and slices of the data were not." in text


def test_training_is_summed_up() -> None:
    text = with_metrics(METRICS, history={"loss": (1.0, 0.25, 0.5)}, arguments={"seed": 3})
    assert "3 epochs, of which number 2 was kept." in text
    assert cells(text, "loss") == [["1", "0.25", "0.5"]]
    assert cells(text, "seed") == [["3"]]
    assert "began with random weights" in text
    text = with_metrics(METRICS, history={}, metrics={})
    assert "0 epochs.\n" in text
    assert "from the weights of the version that was in production when it began" in text


def test_long_lists_are_cut_and_curves_thinned() -> None:
    data = replace(full().card.data, skipped=tuple(f"{n}.png" for n in range(1000)))
    text = with_metrics(METRICS, data=data)
    assert "1000: 0.png, 1.png" in text
    assert "999.png" not in text
    points = model_card.spread(CALIBRATION.curve)
    assert [point.threshold for point in points] == [n / 10 for n in range(11)]
    assert cells(text, "0.100") == [["95.0 %", "90.5 %"]]
    assert asdict(CALIBRATION.curve[0]) == {"threshold": 0.0, "coverage": 1.0, "accuracy": 0.9}

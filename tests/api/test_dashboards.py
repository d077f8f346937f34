"""The dashboard and the rules in monitoring/ ask for what /metrics tells, and nothing else."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.holder import Holder, Snapshot
from api.monitor import Monitor
from api.service import Service
from api.settings import MODEL_NAME, DriftSettings
from images import NBYTES
from rollout.settings import RolloutSettings
from tests.api.test_monitor import HELD_OUT, judged
from tests.images.files import encoded

ROOT = Path(__file__).parent.parent.parent
DASHBOARD: dict[str, Any] = json.loads(
    (ROOT / "monitoring" / "grafana" / "classifier.json").read_text(encoding="utf-8")
)
RULES = [
    rule
    for group in yaml.safe_load(
        (ROOT / "monitoring" / "prometheus" / "rules.yaml").read_text(encoding="utf-8")
    )["groups"]
    for rule in group["rules"]
]
CASES = yaml.safe_load(
    (ROOT / "monitoring" / "prometheus" / "rules.test.yaml").read_text(encoding="utf-8")
)["tests"]

ANSWERS = "classifier_answers_total"
# One image, in each form that some route takes.
TENSOR = {"name": "images", "shape": [1, 128, 128, 3], "datatype": "UINT8", "data": [7] * NBYTES}
BODIES: list[dict[str, Any]] = [
    {"data": bytes(NBYTES)},
    {"data": encoded(np.zeros((128, 128, 3), np.uint8), "PNG"), "content_type": "image/png"},
    {"json": {"inputs": [TENSOR]}},
]

OF_PROMETHEUS = {"job", "instance"}  # labels that it adds itself
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
MATCHERS = re.compile(r"(\w+)\s*\{([^}]*)\}")
OPERATORS = {"and", "or", "unless", "bool", "offset"}


def queries() -> Iterator[str]:
    """Every PromQL expression."""
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["expr"] for each in DASHBOARD["annotations"]["list"])
    for each in DASHBOARD["templating"]["list"]:
        if each["type"] == "query":
            yield re.sub(r"label_values\((.*), (\w+)\)", r"sum by (\2) (\1)", each["definition"])
    yield from (rule["expr"] for rule in RULES)


def metrics_in(query: str) -> set[str]:
    """The metrics that a query names: what is no label, no function and no operator."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", query)
    bare = re.sub(r"\{[^}]*\}", "", GROUPING.sub("", bare))
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()", bare)) - OPERATORS


def matched_in(query: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric with the labels that the query matches it by."""
    for metric, matchers in MATCHERS.findall(re.sub(r'"[^"]*"', '""', query)):
        yield metric, set(re.findall(r"(\w+)\s*[=!]", matchers))


def grouped_in(query: str) -> set[str]:
    """The labels that it groups or joins by."""
    return {label.strip() for labels in GROUPING.findall(query) for label in labels.split(",")}


@pytest.fixture
def exposed(
    app: Flask, service: Service, holder: Holder, snapshot: Snapshot
) -> dict[str, set[str]]:
    """Every metric of the service, with its labels."""
    monitor = Monitor(
        holder, open_alerts(AlertSettings(), "api"), DriftSettings(window=HELD_OUT.images)
    )
    service.metrics.read_also(monitor)
    holder.swap(replace(snapshot, verdict=judged({"answers": vars(HELD_OUT)})))
    client = app.test_client()
    assert client.post("/", data=bytes(NBYTES)).status_code == 200
    monitor.observe(holder.answer([np.zeros((1, 128, 128, 3), np.uint8)] * HELD_OUT.images))
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys() | OF_PROMETHEUS
    return found


def test_a_query_is_taken_apart() -> None:
    query = 'sum by (le, a) (rate(x_bucket{job=~"$job", b!="}"}[5m])) / on (c) y unless z > 0.5'
    assert metrics_in(query) == {"x_bucket", "y", "z"}
    assert dict(matched_in(query)) == {"x_bucket": {"job", "b"}}
    assert grouped_in(query) == {"le", "a", "c"}


def test_every_query_names_metrics_that_are_exposed(exposed: dict[str, set[str]]) -> None:
    for query in queries():
        assert metrics_in(query), query
        assert metrics_in(query) <= exposed.keys(), query


def test_every_query_names_labels_that_its_metrics_have(exposed: dict[str, set[str]]) -> None:
    for query in queries():
        for metric, labels in matched_in(query):
            assert labels <= exposed[metric], query
        known = set.union(*(exposed[metric] for metric in metrics_in(query)))
        assert grouped_in(query) <= known, query


@pytest.fixture
def answering(app: Flask, holder: Holder, snapshot: Snapshot) -> set[str]:
    """The routes by which the model answers, found by asking each that takes POST."""
    holder.swap(snapshot)
    client = app.test_client()

    def answers() -> float:
        families = text_string_to_metric_families(client.get("/metrics").text)
        return sum(s.value for f in families for s in f.samples if s.name == ANSWERS)

    found = set()
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()):
            path = rule.rule.replace("<name>", MODEL_NAME).replace("<version>", snapshot.version)
            before = answers()
            for body in BODIES:
                client.post(path, **body)
            if answers() > before:
                found.add(rule.rule)
    return found


def test_canaries_are_judged_by_every_route_that_the_model_answers_by(answering: set[str]) -> None:
    assert len(answering) >= 4
    assert set(RolloutSettings().routes) == answering


def test_queries_count_what_canaries_are_judged_by(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    patterns = {found for query in queries() for found in re.findall(r'route=~"([^"]*)"', query)}
    assert patterns
    for pattern in patterns:
        matched = {rule for rule in rules if re.fullmatch(pattern, rule)}
        assert matched == set(RolloutSettings().routes), pattern


def test_whoever_looks_at_the_page_is_not_counted_among_them() -> None:
    counted = [query for query in queries() if "classifier_requests_total{" in query]
    assert counted
    for query in counted:
        for matchers in re.findall(r"classifier_requests_total\{([^}]*)\}", query):
            assert 'method="POST"' in matchers, query


def test_the_dashboard_has_what_grafana_needs() -> None:
    assert DASHBOARD.keys() >= {"uid", "title", "schemaVersion", "panels", "templating", "time"}
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
    assert used == variables | {"__rate_interval", "__all"}
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel.keys() >= {"title", "description", "type", "gridPos", "datasource", "targets"}
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one_place, other in combinations(places, 2):
        beside = any(
            low[axis] + low[size] <= high[axis]
            for axis, size in (("x", "w"), ("y", "h"))
            for low, high in ((one_place, other), (other, one_place))
        )
        assert beside, (one_place, other)


def test_a_legend_names_what_the_query_leaves() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            kept = grouped_in(target["expr"])
            assert named <= (kept or OF_PROMETHEUS | {"figure"}), target


def test_every_rule_says_what_happened_and_is_tried_out() -> None:
    tried = {
        trial["alertname"]
        for case in CASES
        for trial in case["alert_rule_test"]
        if trial.get("exp_alerts")
    }
    assert {rule["alert"] for rule in RULES} == tried
    for rule in RULES:
        assert rule["annotations"].keys() == {"summary", "description"}
        assert rule["labels"]["severity"] in ("warning", "critical")

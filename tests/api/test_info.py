"""What the service says of itself and of its model, and what every answer carries."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.catalogue import Catalogue
from api.holder import Holder, Snapshot
from api.service import Service
from images import NBYTES
from registry.card import Card
from registry.errors import Unreachable
from registry.record import StageState
from registry.store import Registry
from registry.verdict import Verdict
from tests.api.bench import Bench

Model = tuple[Path, Card]
Promote = Callable[[Registry, Model], StageState]

METRICS = {"accuracy": {"value": 0.9}, "per_class": {"a.b": {"recall": 1.0}}, "images": 350}
VERDICT = Verdict("1", "a" * 64, "", True, (), METRICS, "f", "2026-01-01T00:00:00Z")


@pytest.fixture
def client(app: Flask, holder: Holder, snapshot: Snapshot) -> FlaskClient:
    holder.swap(replace(snapshot, verdict=VERDICT))
    return app.test_client()


@pytest.fixture
def ask(client: FlaskClient) -> Callable[..., Any]:
    """Asks for a path, and returns the document of an answer with the status."""

    def get(path: str, status: int = 200) -> Any:
        answer = client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json

    return get


ROUTES = [
    "/init",
    "/health",
    "/ready",
    "/info",
    "/service-info",
    "/labels",
    "/performance",
    "/args",
    "/args/epochs",
    "/models",
]


@pytest.mark.parametrize("path", [*ROUTES, "/performance?filter=accuracy", "/nowhere", "/args/x"])
def test_every_answer_says_which_request_it_answers(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"X-Request-Id": "caller-7"})
    document = answer.get_json(force=True)
    assert document["message"]
    assert document["method"] == "GET"
    assert document["status-code"] == answer.status_code
    assert document["url"] == f"http://localhost{path}"
    assert document["request-id"] == "caller-7"
    age = datetime.now(UTC) - datetime.fromisoformat(document["timestamp"])
    assert timedelta(0) <= age + timedelta(milliseconds=1) < timedelta(minutes=1)
    assert document["timestamp"].endswith("+00:00")


def test_the_short_form_stays_as_it_was(client: FlaskClient) -> None:
    assert client.post("/", data=bytes([7]) * NBYTES).json == {"message": "7"}


def test_every_route_is_looked_at_above(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    described = {path.replace("epochs", "<arg>") for path in ROUTES}
    elsewhere = {"/", "/predict", "/metrics", "/openapi.json", "/requests", "/feedback"}
    others = {rule for rule in rules - described if not rule.startswith(("/docs", "/page", "/v2"))}
    assert others == elsewhere


def test_the_labels_are_in_the_order_of_their_indices(ask: Any, snapshot: Snapshot) -> None:
    assert ask("/labels")["data"] == {
        "version": snapshot.version,
        "labels": [f"class {index}" for index in range(256)],
        "other": "other",
        "threshold": 0.0,
    }


def test_the_process_says_what_it_takes(ask: Any) -> None:
    found = ask("/service-info")["data"]
    assert {"python", "keras", "numpy", "flask"} <= set(found["libraries"])
    assert (found["limits"]["images"], found["limits"]["body"]) == (64, 2**23)
    assert found["uptime"] >= 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", METRICS),
        ("?filter=accuracy", {"accuracy": {"value": 0.9}}),
        ("?filter=accuracy.value", {"accuracy": {"value": 0.9}}),
        ("?filter=per_class.a.b.recall", {"per_class": {"a.b": {"recall": 1.0}}}),
        ("?filter=images", {"images": 350}),
    ],
)
def test_the_gates_figures_are_given_all_or_one(ask: Any, query: str, found: object) -> None:
    data = ask(f"/performance{query}")["data"]
    assert (data["metrics"], data["judged"]) == (found, VERDICT.created)


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("?filter=f2", 404, "there is no f2; there is accuracy, per_class, images"),
        ("?filter=accuracy.x", 404, "there is no x; there is value"),
        ("?filter=", 404, "there is no ; there is accuracy"),
        ("?fliter=f2", 400, "query.fliter: this is not known; there is filter"),
    ],
)
def test_a_figure_that_is_not_there_is_refused(
    ask: Any, query: str, status: int, sentence: str
) -> None:
    problem = ask(f"/performance{query}", status)
    assert sentence in problem["detail"]
    assert problem["errors"][0]["location"].startswith("query.f")


def test_a_version_that_nobody_judged_has_no_figures(
    client: FlaskClient, holder: Holder, snapshot: Snapshot
) -> None:
    holder.swap(snapshot)
    answer = client.get("/performance")
    assert (answer.status_code, "the gate has not judged version" in answer.text) == (404, True)


def test_the_arguments_of_the_training_are_given_all_or_one(ask: Any, snapshot: Snapshot) -> None:
    arguments = snapshot.card.arguments
    name = next(iter(arguments))
    assert ask("/args")["data"]["arguments"] == arguments
    assert ask(f"/args/{name}")["data"]["value"] == arguments[name]
    assert "had no argument x; there is data, epochs" in ask("/args/x", 404)["message"]


@pytest.mark.parametrize("path", ["/info", "/labels", "/performance", "/args", "/args/epochs"])
def test_without_a_model_the_reason_is_given(app: Flask, holder: Holder, path: str) -> None:
    holder.problem = "nothing is in production"
    answer = app.test_client().get(path)
    assert (answer.status_code, "nothing is in production" in answer.text) == (503, True)


def test_the_registry_is_listed_with_what_serves_since_when(
    service: Service, bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    first, second = (promote(bench.registry, model).record for model in models)
    listed = replace(service, catalogue=Catalogue(bench.registry))
    data = create_app(listed).test_client().get("/models").json["data"]  # type: ignore[index]
    assert data["versions"] == [
        {"version": first.version, "stages": []},
        {"version": second.version, "stages": ["testing", "production"]},
    ]
    assert data["production"]["when"] == second.when
    assert data["production"]["previous"] == first.version


def test_a_registry_that_is_away_is_said_to_be(service: Service, bench: Bench) -> None:
    bench.backend.error = Unreachable("no route to storage")
    listed = replace(service, catalogue=Catalogue(bench.registry))
    answer = create_app(listed).test_client().get("/models")
    assert (answer.status_code, "no route to storage" in answer.text) == (503, True)
    assert int(answer.headers["Retry-After"]) > 0


def test_the_model_that_serves_brings_its_card_and_verdict(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    served = bench.holder.require()
    assert served.card == models[0][1]
    assert served.verdict is not None
    assert served.verdict.version == served.version
    promote(bench.registry, models[0])  # judged again
    bench.refresher.look()
    again = bench.holder.require()
    assert again.verdict is not None
    assert again.verdict.id != served.verdict.id


def test_a_forced_promotion_has_no_verdict(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    path, card = models[0]
    bench.registry.publish(path, card, "a test")
    bench.registry.promote(card.version, None, "at once", force=True)
    bench.refresher.look()
    assert bench.holder.require().verdict is None


def test_a_forged_host_is_no_more_than_text(client: FlaskClient) -> None:
    answer = client.get("/health", headers={"Host": 'a"b\\<script>'})
    assert answer.json is not None
    assert re.fullmatch("[0-9a-f]{32}", answer.json["request-id"])

"""Spans of requests, as a collector receives them."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from flask import Flask

from api.app import create_app
from api.errors import Overdue
from api.holder import Holder, Snapshot
from api.service import Service
from api.tracing.parts import TracedBatcher, TracedDecoder
from api.tracing.tracing import Tracing
from images import NBYTES, Images
from tests.api.first_pixel import FirstPixel
from tests.api.processes import ROOT, Process
from tests.images.files import encoded
from tests.ports import free_port

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PNG = encoded(np.full((8, 8, 3), 5, np.uint8), "PNG")

Spans = dict[str, list[dict[str, Any]]]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets OpenTelemetry's own variables."""

    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"OTEL_{name}", value)

    return put


@pytest.fixture
def traced(service: Service, holder: Holder, snapshot: Snapshot) -> Iterator[Callable[[], Flask]]:
    """Makes the service with traces, once; ``stop`` of its tracing is the test's own."""
    holder.swap(snapshot)
    started: list[Service] = []

    def make() -> Flask:
        tracing = Tracing()
        batcher = TracedBatcher[Images](tracing, holder.answer, 8, 256)
        started.append(
            replace(service, tracing=tracing, batcher=batcher, decoder=TracedDecoder(tracing))
        )
        tracing.start()
        batcher.start()
        return create_app(started[0])

    yield make
    for each in started:
        assert each.batcher.stop(60)


def stop(app: Flask, timeout: float = 60) -> bool:
    """Send what waits, and say whether all of it went."""
    return bool(app.extensions["service"].tracing.stop(timeout))


def received(collector: str) -> Spans:
    """What the collector has received, by the names of spans."""
    found: Spans = {}
    for span in requests.get(collector, timeout=60).json():
        found.setdefault(span["name"], []).append(span)
    return found


def test_a_request_has_spans_for_its_parts(
    traced: Callable[[], Flask], collector: str, variables: Callable[..., None]
) -> None:
    variables(EXPORTER_OTLP_ENDPOINT=collector, RESOURCE_ATTRIBUTES="deployment.environment=test")
    app = traced()
    answer = app.test_client().post(
        "/predict",
        data=PNG,
        content_type="image/png",
        headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "mine-1"},
    )
    assert answer.status_code == 200
    assert stop(app)
    spans = received(collector)
    assert {name: len(each) for name, each in spans.items()} == {
        "POST /predict": 1,
        "decode": 1,
        "queue": 1,
        "predict": 1,
    }
    (whole,) = spans["POST /predict"]
    assert (whole["kind"], whole["resource"]["service.name"]) == (
        "SPAN_KIND_SERVER",
        "classifier-api",
    )
    assert whole["resource"]["deployment.environment"] == "test"
    assert whole["attributes"] == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "url.path": "/predict",
        "url.scheme": "http",
        "classifier.request_id": "mine-1",
        "classifier.version": "a" * 64,
    }
    parts = [spans[name][0] for name in ("decode", "queue", "predict")]
    assert {each["parentSpanId"] for each in parts} == {whole["spanId"]}
    ends = [int(whole["startTimeUnixNano"])]
    for each in parts:  # one after another, within the whole
        ends += [int(each["startTimeUnixNano"]), int(each["endTimeUnixNano"])]
    assert [*ends, int(whole["endTimeUnixNano"])] == sorted([*ends, int(whole["endTimeUnixNano"])])
    assert parts[2]["attributes"] == {"classifier.batch": 1}


def test_the_callers_trace_goes_on(
    traced: Callable[[], Flask], collector: str, variables: Callable[..., None]
) -> None:
    variables(EXPORTER_OTLP_ENDPOINT=collector)
    app = traced()
    client = app.test_client()
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    client.post("/", data=bytes(NBYTES), headers=headers)
    client.get("/labels", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})  # not to be traced
    client.get("/info", headers={"traceparent": f"00-{'0' * 32}-{PARENT}-01"})  # none
    assert stop(app)
    spans = received(collector)
    ids = {base64_of(TRACE), base64_of(PARENT)}
    assert {spans["POST /"][0]["traceId"], spans["POST /"][0]["parentSpanId"]} == ids
    assert "GET /labels" not in spans
    assert "parentSpanId" not in spans["GET /info"][0]


def base64_of(digits: str) -> str:
    """As the JSON of protobuf has bytes."""
    return base64.b64encode(bytes.fromhex(digits)).decode()


def test_failures_and_many_batches_are_told_apart(
    traced: Callable[[], Flask],
    collector: str,
    variables: Callable[..., None],
    holder: Holder,
    snapshot: Snapshot,
) -> None:
    variables(EXPORTER_OTLP_ENDPOINT=collector, SERVICE_NAME="mine")
    app = traced()
    client = app.test_client()
    assert client.post("/predict", data=bytes(20 * NBYTES)).status_code == 200
    assert client.get(f"/{'x' * 999}").status_code == 404
    for probe in ("/health", "/ready", "/metrics", "/v2/health/live", "/v2/health/ready"):
        assert client.get(probe).status_code == 200

    class Slow(FirstPixel):
        def predict(self, images: Images) -> Any:
            raise Overdue("never")

    holder.swap(replace(snapshot, classifier=Slow()))  # type: ignore[arg-type]
    assert client.post("/", data=bytes(NBYTES)).status_code == 503
    assert stop(app)
    spans = received(collector)
    assert set(spans) == {"POST /predict", "queue", "predict", "GET", "POST /"}
    assert sum(each["attributes"]["classifier.batch"] for each in spans["predict"]) == 20
    assert all(each["attributes"]["classifier.batch"] <= 8 for each in spans["predict"])
    assert spans["POST /"][0]["status"] == {"code": "STATUS_CODE_ERROR"}
    assert spans["GET"][0]["status"] == {}
    assert len(spans["GET"][0]["attributes"]["url.path"]) == 256
    assert {each["resource"]["service.name"] for each in spans["GET"]} == {"mine"}
    assert len(spans["queue"]) == 2


def test_a_collector_that_is_away_costs_requests_nothing(
    traced: Callable[[], Flask], variables: Callable[..., None]
) -> None:
    """Many more spans than are kept are lost, and every request is answered."""
    variables(
        EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}",
        BSP_MAX_QUEUE_SIZE="16",
        BSP_MAX_EXPORT_BATCH_SIZE="8",
        EXPORTER_OTLP_TIMEOUT="600",
    )
    app = traced()
    for value in range(100):
        answer = app.test_client().post("/", data=bytes([value]) * NBYTES)
        assert answer.json == {"message": str(value)}
    stop(app, 0)  # while it waits to try again


def test_it_can_be_told_to_trace_some(
    traced: Callable[[], Flask], collector: str, variables: Callable[..., None]
) -> None:
    variables(EXPORTER_OTLP_ENDPOINT=collector, TRACES_SAMPLER="always_off")
    app = traced()
    assert app.test_client().post("/", data=bytes(NBYTES)).status_code == 200
    assert stop(app)
    assert received(collector) == {}


def test_the_service_sends_its_last_spans_when_it_ends(tmp_path: Path, collector: str) -> None:
    variables = {"TRACE_ENABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": collector}
    with Process(tmp_path, **variables) as process:
        process.wait_for("/health")
        assert requests.get(f"{process.url}/info", timeout=60).status_code == 503
        assert requests.post(process.url, bytes(NBYTES), timeout=60).status_code == 503
    assert set(received(collector)) == {"GET /info", "POST /"}


def test_the_service_ends_in_order_without_a_collector(tmp_path: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    with Process(tmp_path, TRACE_ENABLED="true", OTEL_EXPORTER_OTLP_ENDPOINT=away) as process:
        process.wait_for("/health")
        assert requests.get(f"{process.url}/info", timeout=60).status_code == 503


PROGRAM = """
import json, sys
from api.app import create_app
from api.assembly import assemble
from api.settings import ServeSettings
create_app(assemble(ServeSettings()).service)
print(json.dumps([name for name in sys.modules if name.startswith("opentelemetry.sdk")]))
"""


@pytest.mark.parametrize(("enabled", "some"), [("false", False), ("true", True)])
def test_what_is_off_is_not_imported(tmp_path: Path, enabled: str, some: bool) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "TRACE_ENABLED": enabled},
        capture_output=True,
        text=True,
        check=True,
    )
    assert bool(json.loads(ended.stdout)) is some

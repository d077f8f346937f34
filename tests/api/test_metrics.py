from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import requests
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.batcher import Batcher, Submission
from api.holder import Answer, Holder, Snapshot
from api.metrics import IMAGES, METHODS, NO_ROUTE, OTHER_METHOD, Metrics
from api.service import Service
from classifier.labels import Labels
from images import NBYTES, Images
from tests.api.bench import Bench
from tests.api.first_pixel import FirstPixel
from tests.api.processes import WITHIN, Process
from tests.registry.samples import card


class Samples:
    """What a program that reads the metrics understands."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def get(self, name: str, **labels: str) -> float | None:
        """The value of the one sample of this name that has these labels; None without one."""
        found = [
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) <= 1, found
        return found[0] if found else None

    def labels(self, name: str, label: str) -> list[str]:
        """Every value of a label."""
        return [sample.labels[label] for sample in self._samples if sample.name == name]


def read(app: Flask) -> Samples:
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return Samples(answer.text)


@pytest.fixture
def ready(app: Flask, holder: Holder, snapshot: Snapshot) -> Flask:
    holder.swap(snapshot)
    return app


def test_requests_are_counted_by_rule_method_and_status(ready: Flask) -> None:
    client = ready.test_client()
    for value in (1, 2, 2):
        client.post("/", data=bytes([value]) * NBYTES)
    client.post("/", data=b"short")
    client.get("/ready")
    samples = read(ready)
    count = "classifier_requests_total"
    assert samples.get(count, route="/", method="POST", status="200") == 3
    assert samples.get(count, route="/", method="POST", status="400") == 1
    assert samples.get(count, route="/ready", method="GET", status="200") == 1
    assert samples.get("classifier_request_seconds_count", route="/") == 4
    total = samples.get("classifier_request_seconds_sum", route="/")
    assert total is not None
    assert total > 0


def test_what_callers_make_up_adds_no_labels(ready: Flask) -> None:
    client = ready.test_client()
    for number in range(20):
        client.get(f"/made-up/{number}")
        client.open("/", method=f"MADE-UP-{number}")
    client.put("/")
    samples = read(ready)
    assert set(samples.labels("classifier_requests_total", "route")) == {NO_ROUTE}
    assert set(samples.labels("classifier_requests_total", "method")) == {
        "GET",
        "PUT",
        OTHER_METHOD,
    }
    unknown = {"route": NO_ROUTE, "method": OTHER_METHOD, "status": "405"}
    assert samples.get("classifier_requests_total", **unknown) == 20


@given(
    st.lists(
        st.tuples(st.none() | st.sampled_from(["/", "/ready"]), st.text(), st.integers(100, 599))
    )
)
def test_every_request_is_counted_once_and_methods_are_few(
    requested: list[tuple[str | None, str, int]],
) -> None:
    metrics = Metrics()
    for rule, method, status in requested:
        metrics.count_request(rule, method, status, 0.1)
    samples = Samples(metrics.exposition().decode())
    name = "classifier_requests_total"
    assert set(samples.labels(name, "method")) <= {*METHODS, OTHER_METHOD}
    counted = sum(sample.value for sample in samples._samples if sample.name == name)
    assert counted == len(requested)


def test_answers_are_counted_by_class_and_confidence(ready: Flask) -> None:
    client = ready.test_client()
    for value in (7, 7, 9):
        client.post("/", data=bytes([value]) * NBYTES)
    samples = read(ready)
    assert samples.get("classifier_answers_total", **{"class": "class 7"}) == 2
    assert samples.get("classifier_answers_total", **{"class": "class 9"}) == 1
    assert samples.get("classifier_confidence_bucket", le="0.7") == 0
    assert samples.get("classifier_confidence_bucket", le="0.8") == 3
    assert samples.get("classifier_batch_size_sum") == 3


@given(st.lists(st.text(st.characters(exclude_categories=[])), min_size=1, max_size=9, unique=True))
def test_any_class_name_is_read_back(names: list[str]) -> None:
    labels = Labels(tuple(names), 0.0)
    model = Snapshot(FirstPixel(), labels, "a" * 64, None, "", card("a" * 64))  # type: ignore[arg-type]
    metrics = Metrics()
    images = [np.full((1, 128, 128, 3), index, np.uint8) for index in range(len(names))]
    metrics.watch(model.answer)(images)
    read_back = Samples(metrics.exposition().decode()).labels("classifier_answers_total", "class")
    assert set(read_back) == {name.encode(errors="replace").decode() for name in names}


def test_what_is_below_the_threshold_is_counted_as_other(
    ready: Flask, holder: Holder, snapshot: Snapshot
) -> None:
    holder.swap(replace(snapshot, labels=Labels(snapshot.labels.classes, 0.8)))
    ready.test_client().post("/", data=bytes(NBYTES))
    assert read(ready).labels("classifier_answers_total", "class") == ["other"]


def test_the_size_of_every_call_of_the_model_is_counted(snapshot: Snapshot) -> None:
    metrics = Metrics()
    predict = metrics.watch(snapshot.answer)
    for size in (1, 3, 8):
        predict([np.zeros((1, 128, 128, 3), np.uint8)] * size)
    samples = Samples(metrics.exposition().decode())
    counts = [samples.get("classifier_batch_size_bucket", le=f"{float(le)}") for le in IMAGES[:4]]
    assert counts == [1, 1, 2, 3]
    assert samples.get("classifier_confidence_count") == 12


def test_the_model_is_told_once_it_serves(app: Flask, holder: Holder, snapshot: Snapshot) -> None:
    before = read(app)
    assert before.labels("classifier_model_info", "version") == []
    assert before.get("classifier_model_since_timestamp_seconds") is None
    assert before.get("classifier_model_swaps_total") == 0
    holder.swap(snapshot)
    holder.swap(replace(snapshot, record=None))
    samples = read(app)
    assert samples.get("classifier_model_info", version=snapshot.version) == 1
    assert samples.get("classifier_model_since_timestamp_seconds") == 1767312000
    assert samples.get("classifier_model_swaps_total") == 1
    holder.swap(replace(snapshot, version="b" * 64))
    samples = read(app)
    assert samples.labels("classifier_model_info", "version") == ["b" * 64]
    assert samples.get("classifier_model_swaps_total") == 2


def test_the_queue_is_measured_without_the_lock_of_the_batcher(
    app: Flask, service: Service
) -> None:
    batcher: Batcher[Images, Answer] = service.batcher
    with batcher._changed:  # so that the thread behind it takes nothing
        images = [np.zeros((1, 128, 128, 3), np.uint8)] * 3
        submission: Submission[Images, Answer] = Submission(images, bool)
        batcher._waiting.extend((submission, index) for index in range(3))
        batcher._changed.notify()
        assert in_another_thread(lambda: read(app).get("classifier_queue_depth")) == 3
    assert submission.answers.exception(WITHIN)  # there is no model
    assert read(app).get("classifier_queue_depth") == 0


def in_another_thread(ask: Callable[[], float | None]) -> float | None:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask).result(WITHIN)


def test_two_applications_count_for_themselves(ready: Flask, service: Service) -> None:
    other = create_app(replace(service, metrics=Metrics()))
    ready.test_client().get("/health")
    assert read(ready).get("classifier_requests_total", route="/health") == 1
    assert read(other).get("classifier_requests_total", route="/health") is None


def test_the_process_is_measured(app: Flask) -> None:
    samples = read(app)
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
        value = samples.get(name)
        assert value is not None
        assert value > 0


def test_every_failed_look_is_counted(bench: Bench) -> None:
    bench.refresher.look()  # nothing is in production
    assert bench.refresher.failures == 1
    bench.refresher.look()
    assert bench.refresher.failures == 2


def test_a_process_tells_of_itself(tmp_path: Path) -> None:
    with Process(tmp_path) as service:
        service.wait_for("/ready", 503)
        requests.post(service.url, data=bytes(NBYTES), timeout=WITHIN)
        samples = Samples(requests.get(f"{service.url}/metrics", timeout=WITHIN).text)
    count = "classifier_requests_total"
    assert samples.get(count, route="/", method="POST", status="503") == 1
    assert samples.labels("classifier_model_info", "version") == []
    failures = samples.get("classifier_refresh_failures_total")
    assert failures is not None
    assert failures >= 1

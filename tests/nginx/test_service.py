"""The real service behind nginx: its server and its application, and once the whole process."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.app import create_app
from api.batcher import Batcher
from api.catalogue import Catalogue
from api.holder import Answer, Holder, Snapshot
from api.metrics import Metrics
from api.policy import POLICY
from api.service import Service
from classifier.labels import Labels
from images import NBYTES, Images
from registry.memory import MemoryBackend
from registry.store import Registry
from tests.api.first_pixel import FirstPixel
from tests.api.processes import Process
from tests.api.served import served
from tests.nginx.proxies import WITHIN, Proxy
from tests.registry.samples import card

Start = Callable[..., Proxy]


@dataclass
class Running:
    """The service in a thread."""

    port: int
    service: Service


@contextmanager
def running(port: int = 0, **limits: float) -> Iterator[Running]:
    """The service with a model that answers the first byte of an image; it ends in order."""
    holder, metrics = Holder(), Metrics()
    labels = Labels(tuple(f"class {index}" for index in range(256)), 0.0)
    since = "2026-01-02T00:00:00+00:00"
    holder.swap(Snapshot(FirstPixel(), labels, "a" * 64, None, since, card("a" * 64)))  # type: ignore[arg-type]
    batcher: Batcher[Images, Answer] = Batcher(metrics.watch(holder.answer), 8, 256)
    alerts = open_alerts(AlertSettings(), "api")
    catalogue = Catalogue(Registry(MemoryBackend(), "tester"))
    service = Service(holder, batcher, lambda: None, alerts, WITHIN, metrics, catalogue)
    batcher.start()
    with served(create_app(service), port=port, **limits) as url:
        yield Running(int(url.rpartition(":")[2]), service)
        holder.drain()
    assert batcher.stop(WITHIN)


@pytest.fixture
def service() -> Iterator[Running]:
    with running() as service:
        yield service


def test_many_callers_get_their_own_answers(start: Start, service: Running) -> None:
    proxy = start(service.port)

    def ask(values: range) -> list[str]:
        with proxy.session() as session:
            answers = [
                session.post(proxy.url, data=bytes([value]) * NBYTES, timeout=WITHIN)
                for value in values
            ]
        return [answer.json()["message"] for answer in answers]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, [range(first, first + 32) for first in range(0, 256, 32)]))
    assert [message for part in found for message in part] == [str(value) for value in range(256)]


def test_everything_but_the_metrics_is_reached(start: Start, service: Running) -> None:
    proxy = start(service.port)
    rules = {rule.rule for rule in create_app(service.service).url_map.iter_rules()}
    missing = {rule: proxy.ask("GET", rule) for rule in rules}
    missing = {rule: answer.json() for rule, answer in missing.items() if answer.status_code == 404}
    # The Open Inference Protocol has errors of its own form.
    nginx = {rule for rule, found in missing.items() if not found.keys() & {"url", "error"}}
    assert nginx == {"/metrics"}
    here = requests.get(f"http://127.0.0.1:{service.port}/metrics", timeout=WITHIN)
    assert 'classifier_requests_total{method="GET",route="/info",status="200"} 1' in here.text


def test_the_sentences_of_the_service_pass(start: Start, service: Running) -> None:
    proxy = start(service.port)
    answer = proxy.ask("POST", data=b"short", headers={"X-Request-Id": "caller-7"})
    assert answer.status_code == 400
    assert "exactly 49,152 raw bytes" in answer.json()["detail"]
    assert answer.headers["X-Request-Id"] == "caller-7"
    assert proxy.ask("DELETE").headers["Allow"]
    assert proxy.ask("GET", "/nowhere").json()["detail"].startswith("there is nothing at /nowhere")


def test_the_page_keeps_its_own_policy(start: Start, service: Running) -> None:
    answer = start(service.port).ask("GET", "/docs")
    assert answer.headers["Content-Security-Policy"] == POLICY


def test_a_body_that_drips_has_as_long_as_any_other(start: Start) -> None:
    with running(request_timeout=1) as service:
        proxy = start(service.port)
        with proxy.connect() as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 49152\r\n\r\n")
            connection.settimeout(0.1)  # between two drips
            deadline = time.monotonic() + WITHIN
            answer = b""
            while not answer:
                assert time.monotonic() < deadline
                connection.sendall(b"x")
                try:
                    answer = connection.recv(65536)
                except TimeoutError:
                    continue
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_replica_that_is_restarted_costs_no_request(start: Start, service: Running) -> None:
    with ExitStack() as other, ThreadPoolExecutor(2) as pool:
        port = other.enter_context(running()).port
        proxy = start(service.port, port)
        done = threading.Event()

        def ask(method: str, body: bytes) -> list[int]:
            statuses = []
            while not done.is_set():
                statuses.append(proxy.ask(method, "/" if body else "/ready", data=body).status_code)
            return statuses

        callers = [pool.submit(ask, "GET", b""), pool.submit(ask, "POST", bytes(NBYTES))]
        try:
            for _ in range(3):
                other.close()
                other.enter_context(running(port))
        finally:
            done.set()
        for caller in callers:
            statuses = caller.result(WITHIN)
            assert statuses
            assert set(statuses) == {200}


def test_the_process_says_through_nginx_what_it_lacks(start: Start, tmp_path: Path) -> None:
    with Process(tmp_path) as service:
        service.wait_for("/ready", 503)
        answer = start(service.port).ask("POST", data=bytes(NBYTES))
        assert answer.status_code == 503
        assert "no model" in answer.json()["detail"]
        assert answer.headers["Retry-After"] == "5"
        request_id = answer.headers["X-Request-Id"]
        assert request_id in [line.get("request_id") for line in service.lines]

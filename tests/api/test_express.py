"""Whatever is answered without Flask is answered as Flask would have."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from api.errors import Overdue
from api.express import Express
from api.holder import Holder, Snapshot
from api.payloads import RAW_TYPES
from api.service import Service
from images import NBYTES, Images
from tests.api.first_pixel import FirstPixel

IMAGE = bytes([7]) * NBYTES
ID = {"X-Request-Id": "caller-7"}


@pytest.fixture
def express(app: Flask, service: Service) -> Express:
    return Express(app, service)


@pytest.fixture
def ready(holder: Holder, snapshot: Snapshot) -> None:
    holder.swap(snapshot)


def alike(express: Express, app: Flask, method: str = "POST", **request: Any) -> TestResponse:
    """The answer to a request, which is the same on both ways."""
    request = {"path": "/", "headers": ID} | request
    answers = [Client(each).open(method=method, **request) for each in (express, app)]
    told = [(each.status, dict(each.headers), untimed(each)) for each in answers]
    assert told[0] == told[1]
    return answers[0]


def untimed(answer: TestResponse) -> object:
    """What an answer says, but for its time and for what an error is called in the log."""
    document = answer.get_json(silent=True)
    if not isinstance(document, dict):
        return answer.data
    told = {name: value for name, value in document.items() if name != "timestamp"}
    return {
        name: str(value).replace(document.get("error-id", "-"), "") for name, value in told.items()
    }


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("kind", ["", *RAW_TYPES])
@pytest.mark.parametrize("value", [0, 7, 255])
def test_an_image_is_answered_without_flask(
    express: Express, app: Flask, monkeypatch: pytest.MonkeyPatch, kind: str, value: int
) -> None:
    headers = ID | ({"Content-Type": kind} if kind else {})
    image = bytes([value]) * NBYTES
    answer = alike(express, app, data=image, headers=headers)
    assert (answer.data, answer.headers["X-Request-Id"]) == (
        b'{"message":"%d"}\n' % value,
        "caller-7",
    )
    monkeypatch.setattr(app, "wsgi_app", None)  # which nothing may call now
    assert Client(express).post("/", data=image, headers=headers).data == answer.data


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(
    "request_",
    [
        {"data": IMAGE[:-1]},
        {"data": IMAGE + b"x"},
        {"data": b""},
        {"data": IMAGE, "headers": ID | {"Content-Type": "image/png"}},
        {"data": IMAGE, "headers": ID | {"Content-Type": "application/octet-stream; x=y"}},
        {"data": IMAGE, "headers": ID | {"Content-Encoding": "gzip"}},
        {"data": IMAGE, "headers": ID | {"Content-Encoding": "identity"}},
        {"data": IMAGE, "query_string": {"threshold": "1"}},
        {"data": IMAGE, "path": "/predict"},
        {"data": IMAGE, "path": "/nowhere"},
        {"data": IMAGE, "method": "PUT"},
        {"method": "GET"},
        {"method": "HEAD"},
        {"method": "OPTIONS"},
    ],
)
def test_everything_else_is_flasks(express: Express, app: Flask, request_: Any) -> None:
    alike(express, app, **request_)


def test_without_a_model_the_reason_is_the_same(express: Express, app: Flask) -> None:
    answer = alike(express, app, data=IMAGE)
    assert answer.status_code == 503
    assert "no model serves yet" in answer.json["detail"]


class Broken(FirstPixel):
    """A model that answers nothing."""

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        raise ValueError("no answer")


def test_what_nobody_foresaw_is_told_as_always(
    express: Express, app: Flask, holder: Holder, snapshot: Snapshot
) -> None:
    holder.swap(Snapshot(**{**vars(snapshot), "classifier": Broken()}))
    answer = alike(express, app, data=IMAGE)
    assert answer.status_code == 500
    assert answer.json["error-id"]


@pytest.mark.usefixtures("ready")
def test_what_takes_too_long_is_counted_with_all_its_time(
    express: Express, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0

    def late(*_: object) -> None:
        nonlocal now
        now += 30
        raise Overdue("the model gave no answer within 30 s")

    monkeypatch.setattr(service.batcher, "submit", late)
    monkeypatch.setattr("api.access.time.monotonic", lambda: now)
    assert Client(express).post("/", data=IMAGE).status_code == 503
    page = service.metrics.exposition().decode()
    assert 'classifier_request_seconds_sum{route="/"} 30.0' in page


@pytest.mark.usefixtures("ready")
def test_each_leaves_the_same_line_and_the_same_counts(
    express: Express, app: Flask, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "api.access"):
        alike(express, app, data=IMAGE)
    lines = [vars(each) for each in caplog.records if each.name == "api.access"]
    names = ("method", "path", "status", "request_id", "version")
    first, second = ([line[name] for name in names] for line in lines)
    assert first == second == ["POST", "/", 200, "caller-7", "a" * 64]
    page = service.metrics.exposition().decode()
    assert 'classifier_requests_total{method="POST",route="/",status="200"} 2.0' in page


@pytest.mark.usefixtures("ready")
def test_an_id_that_cannot_be_one_is_replaced(express: Express) -> None:
    sent = {"X-Request-Id": "two words"}
    answers = [Client(express).post("/", data=IMAGE, headers=sent) for _ in range(2)]
    given = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(given) == 2
    assert all(len(each) == 32 for each in given)


@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize("watcher", ["accounts", "audit", "tracing"])
def test_who_is_to_know_of_each_request_is_told(
    app: Flask, service: Service, watcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []

    def flask(environ: object, start_response: Callable[..., object]) -> Sequence[bytes]:
        called.append(environ)
        start_response("200 OK", [])
        return []

    monkeypatch.setattr(app, "wsgi_app", flask)
    object.__setattr__(service, watcher, object())
    assert Client(Express(app, service)).post("/", data=IMAGE).status_code == 200
    assert len(called) == 1

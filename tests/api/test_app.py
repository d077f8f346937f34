import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask

from api.app import create_app
from api.holder import Holder, Snapshot
from api.payloads import MAX_SINGLE
from api.service import Service
from images import NBYTES
from tests.api.first_pixel import FirstPixel


def image(value: int) -> bytes:
    return bytes([value]) * NBYTES


@pytest.fixture
def ready(app: Flask, holder: Holder, snapshot: Snapshot) -> Flask:
    holder.swap(snapshot)
    return app


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/octet-stream"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
def test_raw_bytes_are_answered_with_the_index_as_a_string(
    ready: Flask, headers: dict[str, str]
) -> None:
    answer = ready.test_client().post("/", data=image(7), headers=headers)
    assert answer.status_code == 200
    assert answer.json == {"message": "7"}
    assert answer.content_type == "application/json"


def test_concurrent_callers_get_their_own_answers(ready: Flask) -> None:
    def ask(value: int) -> str:
        message: str = ready.test_client().post("/", data=image(value)).json["message"]  # type: ignore[index]
        return message

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(256))) == [str(value) for value in range(256)]


@pytest.mark.parametrize("length", [0, 1, NBYTES - 1, NBYTES + 1, 2 * NBYTES, MAX_SINGLE])
def test_a_wrong_length_is_refused_with_what_is_expected(ready: Flask, length: int) -> None:
    answer = ready.test_client().post("/", data=bytes(length))
    assert answer.status_code == 400
    assert "exactly 49,152 raw bytes" in answer.json["detail"]  # type: ignore[index]
    assert f"has {length:,} bytes" in answer.json["detail"]  # type: ignore[index]


def test_a_huge_body_is_refused(ready: Flask) -> None:
    answer = ready.test_client().post("/", data=bytes(MAX_SINGLE + 1))
    assert answer.status_code == 413
    assert answer.json["detail"] == "the body is larger than 1,048,576 bytes"  # type: ignore[index]


@pytest.mark.parametrize(
    "sent", ["application/json", "image/png", "text/plain", "multipart/form-data; boundary=x"]
)
def test_a_wrong_type_is_refused(ready: Flask, sent: str) -> None:
    answer = ready.test_client().post("/", data=image(1), content_type=sent)
    assert answer.status_code == 415
    assert sent.partition(";")[0] in answer.json["detail"]  # type: ignore[index]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_refused_with_those_allowed(ready: Flask, method: str) -> None:
    answer = ready.test_client().open("/", method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert " takes GET, HEAD, OPTIONS, POST, not " in answer.get_json()["detail"]
    assert "POST" in answer.json["detail"]  # type: ignore[index]
    assert method in answer.json["detail"]  # type: ignore[index]


def test_an_unknown_path_is_refused_in_json(ready: Flask) -> None:
    answer = ready.test_client().get("/no/such path")
    assert answer.status_code == 404
    sentence = "there is nothing at /no/such path; images go to POST /predict"
    assert answer.json["detail"] == sentence  # type: ignore[index]


def test_without_a_model_the_reason_is_given(app: Flask, holder: Holder) -> None:
    holder.problem = "nothing is in production"
    client = app.test_client()
    for answer in (client.post("/", data=image(1)), client.get("/ready"), client.get("/info")):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "nothing is in production" in answer.json["detail"]  # type: ignore[index]
    assert client.get("/health").status_code == 200
    assert client.post("/", data=b"short").status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_init_makes_sure_that_loading_has_begun(app: Flask, holder: Holder, method: str) -> None:
    answer = app.test_client().open("/init", method=method)
    assert (answer.status_code, answer.json["message"]) == (200, "API initialized.")  # type: ignore[index]
    assert holder.problem == "initialised"


def test_ready_names_the_version(ready: Flask, snapshot: Snapshot) -> None:
    answer = ready.test_client().get("/ready")
    assert answer.json["message"] == "ready"  # type: ignore[index]
    assert answer.json["data"] == {"version": snapshot.version}  # type: ignore[index]


def test_while_draining_images_are_answered_and_none_are_welcome(
    ready: Flask, holder: Holder
) -> None:
    holder.drain()
    client = ready.test_client()
    assert client.get("/ready").status_code == 503
    assert client.post("/", data=image(1)).status_code == 200


def test_info_says_what_serves_and_since_when(ready: Flask, snapshot: Snapshot) -> None:
    info = ready.test_client().get("/info").json["data"]  # type: ignore[index]
    assert info["version"] == snapshot.version
    assert info["classes"] == list(snapshot.labels.classes)
    assert info["threshold"] == 0.0
    assert info["since"] == snapshot.since
    assert info["production"]["who"] == "gate@host"
    assert info["production"]["why"] == "good"
    assert info["production"]["sequence"] == 7
    assert info["from_cache"] is False
    assert info["device"] == "CPU"
    assert info["problem"]


class Broken:
    device = "CPU"

    def predict(self, images: object) -> object:
        raise ZeroDivisionError("the secret of the house")


def test_an_unforeseen_error_is_answered_with_an_id_logged_and_alerted_once(
    app: Flask, holder: Holder, snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    holder.swap(replace(snapshot, classifier=Broken()))  # type: ignore[arg-type]
    client = app.test_client()
    answers = [client.post("/", data=image(1)) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert len(answer.json["error-id"]) == 32  # type: ignore[index]
    first_id = answers[0].json["error-id"]  # type: ignore[index]
    logged = [record for record in caplog.records if first_id in record.getMessage()]
    assert logged[0].exc_info is not None
    assert logged[0].exc_info[0] is ZeroDivisionError
    alerts = [record for record in caplog.records if hasattr(record, "alert_key")]
    assert len({record.alert_key for record in alerts}) == 1  # type: ignore[attr-defined]
    assert client.get("/health").status_code == 200


def test_every_answer_has_a_request_id_and_every_request_a_line(
    ready: Flask, snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "api.access")
    client = ready.test_client()
    own = client.post("/", data=image(1), headers={"X-Request-Id": "caller-7"})
    made = client.get("/nowhere%0aelse", headers={"X-Request-Id": "not an id"})
    assert own.headers["X-Request-Id"] == "caller-7"
    assert len(made.headers["X-Request-Id"]) == 32
    lines = [record for record in caplog.records if record.name == "api.access"]
    facts = [
        {
            name: getattr(line, name)
            for name in ("method", "path", "status", "request_id", "version")
        }
        for line in lines
    ]
    assert facts == [
        {
            "method": "POST",
            "path": "/",
            "status": 200,
            "request_id": "caller-7",
            "version": snapshot.version,
        },
        {
            "method": "GET",
            "path": "/nowhere%0Aelse",
            "status": 404,
            "request_id": made.headers["X-Request-Id"],
            "version": "",
        },
    ]
    assert all("\n" not in line.getMessage() for line in lines)


def test_a_stuck_model_is_answered_in_time_and_alerted(
    holder: Holder, snapshot: Snapshot, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()

    class Stuck(FirstPixel):
        def predict(self, images: object) -> object:  # type: ignore[override]
            release.wait(60)
            return super().predict(images)  # type: ignore[arg-type]

    holder.swap(replace(snapshot, classifier=Stuck()))  # type: ignore[arg-type]
    impatient = create_app(replace(service, request_timeout=0.01))
    answer = impatient.test_client().post("/", data=image(1))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert [record for record in caplog.records if hasattr(record, "alert_key")]
    release.set()

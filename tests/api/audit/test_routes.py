"""The routes of the audit trail, and what requests leave in it."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select

from api.app import create_app
from api.audit.open import open_trail
from api.audit.settings import AuditSettings
from api.audit.trail import Trail
from api.holder import Holder, Snapshot
from api.service import Service
from classifier.labels import Labels
from database.database import Database, open_database
from database.models import Image
from database.settings import DatabaseSettings
from images import NBYTES, SHAPE
from images.decode import decode
from tests.api.inference.bodies import URL, binary, pictures
from tests.images.files import encoded

FOREVER = 60.0

Serve = Callable[..., FlaskClient]


@pytest.fixture
def serve(
    service: Service, holder: Holder, snapshot: Snapshot, in_file: Database
) -> Iterator[Serve]:
    """A factory of services with an audit trail."""
    trails: list[Trail] = []

    def begin(**settings: Any) -> FlaskClient:
        holder.swap(snapshot)
        given = AuditSettings(**({"public": True, "interval": 0.01} | settings))
        trail = open_trail(given, in_file, service.alerts)
        trails.append(trail)
        trail.start()
        return create_app(replace(service, audit=trail)).test_client()

    yield begin
    for trail in trails:
        assert trail.stop(FOREVER)


def trail_of(client: FlaskClient) -> Trail:
    found: Trail = client.application.extensions["service"].audit
    return found


def listed(client: FlaskClient, query: str = "") -> list[Any]:
    """What is in the trail, once all is there that was asked before; this request is not yet."""
    assert trail_of(client).flush(FOREVER)
    answer = client.get(f"/requests{query}")
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json["data"]["requests"]  # type: ignore[index]
    return found


def tell(client: FlaskClient, request_id: str, label: str, position: int = 0) -> Any:
    document = {"request-id": request_id, "label": label, "position": position}
    return client.post("/feedback", json=document)


def ask(client: FlaskClient, *values: int, request_id: str = "") -> str:
    """Ask for the classes of images of one colour each; the id of the request."""
    body = b"".join(bytes([value]) * NBYTES for value in values)
    headers = {"X-Request-Id": request_id} if request_id else {}
    answer = client.post("/predict", data=body, headers=headers)
    assert answer.status_code == 200
    return answer.headers["X-Request-Id"]


def test_an_image_leaves_its_hash_and_its_answer(serve: Serve, snapshot: Snapshot) -> None:
    client = serve()
    client.post("/", data=bytes([7]) * NBYTES, headers={"X-Request-Id": "mine-1"})
    (found,) = listed(client)
    assert found["answers"] == [
        {
            "sha256": sha256(bytes([7]) * NBYTES).hexdigest(),
            "version": snapshot.version,
            "index": 7,
            "name": "class 7",
            "label": "class 7",
            "confidence": 0.75,
            "feedback": None,
        }
    ]
    assert (found["method"], found["path"], found["status"]) == ("POST", "/", 200)
    assert (found["request-id"], found["user"]) == ("mine-1", None)
    at = datetime.fromisoformat(found["at"])
    assert abs(at - datetime.now(UTC)) < timedelta(seconds=FOREVER)


def test_an_image_file_has_the_hash_of_its_pixels(serve: Serve) -> None:
    client = serve()
    file = encoded(np.full((40, 30, 3), 9, np.uint8), "PNG")
    client.post("/predict", data=file, content_type="image/png")
    client.post("/predict", json={"images": [base64.b64encode(file).decode()] * 2})
    expected = sha256(decode(file).tobytes()).hexdigest()
    found = [one["sha256"] for each in listed(client) for one in each["answers"]]
    assert found == [expected] * 3


def test_the_standard_protocol_leaves_the_same(serve: Serve) -> None:
    client = serve()
    client.post(
        "/v2/models/classifier/infer",
        data=bytes([5]) * NBYTES,
        content_type="application/octet-stream",
        headers={"Inference-Header-Content-Length": "0"},
    )
    (found,) = listed(client)
    assert found["status"] == 200
    (answer,) = found["answers"]
    assert (answer["sha256"], answer["index"]) == (sha256(bytes([5]) * NBYTES).hexdigest(), 5)


def test_the_label_by_the_standard_protocol_is_what_was_answered(serve: Serve) -> None:
    client = serve()
    answer = client.post(URL, **binary(pictures(), parameters={"threshold": 0.9}))
    labels = {each["name"]: each["data"] for each in answer.json["outputs"]}  # type: ignore[index]
    (found,) = listed(client)
    assert labels["label"] == [found["answers"][0]["label"]] == ["other"]


def test_what_could_not_be_explained_was_not_answered(serve: Serve) -> None:
    client = serve()
    gone = {"waitress.client_disconnected": lambda: True}
    client.post("/predict?explain=1", data=bytes(NBYTES), environ_overrides=gone)
    (found,) = listed(client)
    assert (found["status"], found["answers"]) == (503, [])


def test_every_request_leaves_a_row(serve: Serve) -> None:
    client = serve()
    client.get("/health")
    client.post("/predict", data=b"short")
    client.get("/no%0Awhere/%C3%A4")
    client.open("/", method="BREW")
    assert [(each["method"], each["path"], each["status"]) for each in listed(client)] == [
        ("other", "/", 405),
        ("GET", "/no%0Awhere/%C3%A4", 404),
        ("POST", "/predict", 400),
        ("GET", "/health", 200),
    ]


@pytest.mark.parametrize(("query", "label"), [("", "class 3"), ("?threshold=0.8", "other")])
def test_the_label_is_what_was_answered(serve: Serve, query: str, label: str) -> None:
    client = serve()
    client.post(f"/predict{query}", data=bytes([3]) * NBYTES)
    (answer,) = listed(client)[0]["answers"]
    assert (answer["name"], answer["label"]) == ("class 3", label)


def test_images_are_kept_if_so_told_and_only_then(serve: Serve, in_file: Database) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)
    for keep, expected in ((False, []), (True, [sha256(pixels.tobytes()).hexdigest()])):
        client = serve(images=keep)
        client.post("/predict", data=pixels.tobytes() * 2)
        listed(client)
        with in_file.session() as session:
            found = session.scalars(select(Image)).all()
            assert [image.sha256 for image in found] == expected
            for image in found:
                assert np.array_equal(decode(image.png), pixels)


def test_an_image_that_is_not_kept_is_answered_and_counted(
    serve: Serve, in_file: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(images=True, images_per_user=3)
    service = client.application.extensions["service"]
    service.metrics.read_also(service.audit)
    for values in ((1, 2), (3, 4), (5,)):
        ask(client, *values)
        assert trail_of(client).flush(FOREVER)
    with in_file.session() as session:
        assert len(session.scalars(select(Image)).all()) == 3
    assert [len(each["answers"]) for each in listed(client)] == [1, 2, 2]
    assert "classifier_audit_images_left_out_total 2.0" in client.get("/metrics").text
    assert caplog.text.count("AUDIT_IMAGES_PER_USER") == 1


def test_pages_follow_each_other(serve: Serve) -> None:
    client = serve()
    for number in range(7):
        client.get("/health", headers={"X-Request-Id": f"number-{number}"})
    assert trail_of(client).flush(FOREVER)
    found: list[str] = []
    query: str | None = ""
    while query is not None:
        page = client.get(f"/requests?limit=3{query}").json["data"]  # type: ignore[index]
        found += [each["request-id"] for each in page["requests"] if each["path"] == "/health"]
        query = page["next"] and f"&before={page['next']}"
    assert found == [f"number-{number}" for number in range(6, -1, -1)]


def test_a_list_can_be_of_a_time(serve: Serve) -> None:
    client = serve()
    client.get("/health")
    at = datetime.fromisoformat(listed(client)[0]["at"])
    soon = (at + timedelta(milliseconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    then = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert [each["path"] for each in listed(client, f"?since={then}&until={soon}")] == ["/health"]
    assert listed(client, f"?until={then}") == []
    assert client.get("/requests?since=2026-11-21T13:00:00").status_code == 400
    wrong = client.get("/requests?until=yesterday")
    assert "this is no time, as 2026-11-21T13:30:00Z is one" in wrong.text


def test_the_trail_is_not_for_everybody_unless_so_told(serve: Serve) -> None:
    answer = serve(public=False).get("/requests")
    assert answer.status_code == 403
    assert "AUDIT_PUBLIC=true" in answer.text


@pytest.mark.parametrize("path", ["/requests", "/feedback"])
def test_without_a_trail_there_is_nothing_to_read(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code == 404
    assert "AUDIT_ENABLED=true" in answer.text


def test_feedback_is_counted_by_version_and_the_later_one_counts(
    serve: Serve, holder: Holder, snapshot: Snapshot
) -> None:
    client = serve()
    first = ask(client, 1, 2, 3)
    holder.swap(replace(snapshot, version="b" * 64))
    second = ask(client, 4)
    for position, label in enumerate(("class 1", "class 2", "class 9")):
        assert tell(client, first, label, position).status_code == 200
    assert tell(client, first, "class 5", 0).status_code == 200
    assert tell(client, second, "class 4").json["data"] == {
        "request-id": second,
        "label": "class 4",
        "position": 0,
    }
    data = client.get("/feedback").json["data"]  # type: ignore[index]
    assert [(each["version"], each["images"], each["right"]) for each in data["versions"]] == [
        (snapshot.version, 3, 1),
        ("b" * 64, 1, 1),
    ]
    one = data["versions"][0]
    assert one["low"] < one["accuracy"] == 1 / 3 < one["high"]
    by_id = {each["request-id"]: each["answers"] for each in listed(client)}
    assert [each["feedback"] for each in by_id[first]] == ["class 5", "class 2", "class 9"]


def test_an_answer_of_other_is_right_if_its_likeliest_class_is(
    serve: Serve, holder: Holder, snapshot: Snapshot
) -> None:
    client = serve()
    holder.swap(replace(snapshot, labels=Labels(snapshot.labels.classes, 0.9)))
    assert tell(client, ask(client, 1), "class 1").status_code == 200
    data = client.get("/feedback").json["data"]  # type: ignore[index]
    assert data["versions"][0]["right"] == 1


@pytest.mark.parametrize(
    ("document", "status", "sentence"),
    [
        ({"label": "class 1"}, 400, "body.request-id: this is required"),
        ({"request-id": "known", "label": "cat"}, 404, "no class is called so; there is class 0,"),
        ({"request-id": "known", "label": "other"}, 404, "no class is called so"),
        ({"request-id": "known", "label": "class 1", "position": 2}, 404, "images 0 to 1 only"),
        ({"request-id": "known", "label": "class 1", "position": "0"}, 400, "body.position"),
        ({"request-id": "known", "label": "class 1", "true": 1}, 400, "body.true"),
        ({"request-id": "unknown", "label": "class 1"}, 404, "no request unknown"),
        ({"request-id": "imageless", "label": "class 1"}, 404, "no request imageless"),
    ],
)
def test_what_is_wrong_with_feedback_is_said(
    serve: Serve, document: dict[str, Any], status: int, sentence: str
) -> None:
    client = serve()
    ask(client, 1, 2, request_id="known")
    client.get("/health", headers={"X-Request-Id": "imageless"})
    answer = client.post("/feedback", json=document)
    assert answer.status_code == status, answer.text
    assert sentence in answer.json["detail"]  # type: ignore[index]


def test_feedback_is_json(serve: Serve) -> None:
    client = serve()
    assert client.post("/feedback", data=b"{}").status_code == 415
    assert client.post("/feedback", data=b"{", content_type="application/json").status_code == 400


def test_feedback_that_is_long_is_not_read(serve: Serve) -> None:
    """As to find a hundred thousand faults takes the time of others."""
    faults = {f"fault {number}": 1 for number in range(100_000)}
    answer = serve().post("/feedback", json=faults)
    assert answer.status_code == 413
    assert "the body is larger than 65,536 bytes" in answer.text


def test_without_a_database_images_are_answered_and_its_routes_say_so(
    service: Service, holder: Holder, snapshot: Snapshot
) -> None:
    holder.swap(snapshot)
    nowhere = DatabaseSettings(url=SecretStr("postgresql://tester@127.0.0.1:1/nothing"))
    trail = open_trail(AuditSettings(public=True), open_database(nowhere), service.alerts)
    trail.start()
    client = create_app(replace(service, audit=trail, request_timeout=0.1)).test_client()
    request_id = ask(client, 1, 2)
    answers = [
        client.get("/requests"),
        client.get("/feedback"),
        tell(client, request_id, "class 1"),
    ]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    assert "tester" not in str([answer.text for answer in answers])
    trail.stop(0)
    assert trail.stop(FOREVER)


def test_metrics_tell_what_became_of_the_requests(serve: Serve) -> None:
    client = serve()
    service = client.application.extensions["service"]
    service.metrics.read_also(service.audit)
    ask(client, 1)
    assert service.audit.flush(FOREVER)
    text = client.get("/metrics").text
    assert "classifier_audit_written_total 1.0" in text
    assert "classifier_audit_lost_total 0.0" in text
    assert "classifier_audit_waiting 0.0" in text


def test_a_trail_that_fails_fails_no_request(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve()

    def fail(*_: object) -> None:
        raise RuntimeError("of no known kind")

    monkeypatch.setattr(trail_of(client), "_entry", fail)
    assert client.get("/health").status_code == 200
    assert "a request is missing from the audit trail" in caplog.text

"""The client against the service as a process, and against others who answer as they like."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from client import (
    Client,
    Denied,
    NoClassifier,
    Prediction,
    Problem,
    Refused,
    Unavailable,
    Unreachable,
    WrongAddress,
)
from database.database import Database
from images.decode import decode
from tests.api.processes import WITHIN, Process
from tests.client.pictures import COLOURS, picture
from tests.light_versions import Light, put, registry_in
from tests.nginx.upstream import Handler, Upstream
from tests.ports import free_port
from tests.waiting import until

FORMS = ("PNG", "JPEG", "WEBP", "BMP")
PATIENT = 1000  # retries, more than any test waits for


def here(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("form", FORMS)
def test_an_image_gets_its_class(service: str, light: Light, form: str) -> None:
    with Client(service) as client:
        prediction = client.classify(picture("green", form))
    assert prediction == Prediction(
        label="green",
        confidence=prediction.confidence,
        index=1,
        version=light.version,
        request_id=prediction.request_id,
    )
    assert 0.9 < prediction.confidence <= 1
    assert prediction.request_id


def test_a_batch_keeps_its_order(service: str) -> None:
    colours = [list(COLOURS)[index * index % 3 - index % 2] for index in range(64)]
    with Client(f"{service}/") as client:
        found = client.classify_batch([picture(colour) for colour in colours])
    assert [each.label for each in found] == colours
    assert len({(each.version, each.request_id) for each in found}) == 1


def test_no_images_have_no_classes() -> None:
    with Client(here(free_port())) as client:
        assert client.classify_batch([]) == []


def test_probabilities_and_the_threshold_are_asked_for(service: str) -> None:
    with Client(service) as client:
        prediction = client.classify(picture("blue"), proba=True, threshold=1)
        assert client.classify(picture("blue"), threshold=0).label == "blue"
    assert (prediction.label, prediction.index) == ("other", 2)
    assert prediction.probabilities.keys() == COLOURS.keys()
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.probabilities["blue"] == prediction.confidence


def test_why_is_asked_for(service: str) -> None:
    with Client(service) as client:
        explanation = client.classify(picture("green"), explain=True).explanation
    assert explanation
    assert (explanation.method, explanation.index) == ("rise", 1)
    assert [len(row) for row in explanation.heat] == [16] * 16
    assert decode(explanation.overlay).shape == (128, 128, 3)


@pytest.mark.parametrize(
    ("images", "threshold", "fault"),
    [
        ([b"no image"], None, "PNG"),
        ([picture("red"), picture("red")[:-20]], None, "truncated"),
        ([picture("red")] * 65, None, "64"),
        ([bytes(9_000_000)], None, "8,388,608 bytes"),
        ([picture("red")], 7, "less than or equal to 1"),
    ],
)
def test_what_is_refused_says_why_and_is_not_asked_again(
    service: str, images: list[bytes], threshold: float | None, fault: str
) -> None:
    with Client(service, retries=PATIENT) as client, pytest.raises(Refused) as refused:
        client.classify_batch(images, threshold=threshold)
    assert 400 <= refused.value.status < 500
    assert refused.value.request_id
    assert fault in str(refused.value)
    assert all(each in str(refused.value) for each in refused.value.faults)
    assert refused.value.exit_code == 1


def test_nobody_is_there() -> None:
    url = here(free_port())
    with (
        Client(url, retries=1) as client,
        pytest.raises(Unreachable, match=f"{url} does not answer: Connection refused"),
    ):
        client.classify(picture("red"))


def ask_patiently(url: str) -> Prediction:
    with Client(url, retries=PATIENT) as client:
        return client.classify(picture("red"))


def posts(service: Process) -> list[dict[str, Any]]:
    """What the service has logged of the requests to classify."""
    return [line for line in service.lines if line.get("path") == "/predict"]


def test_a_service_that_is_not_there_yet_and_then_has_no_model_is_waited_for(
    tmp_path: Path, light: Light
) -> None:
    registry, port = registry_in(tmp_path), free_port()
    with ThreadPoolExecutor(1) as pool, socket.create_server(("127.0.0.1", port)) as nobody:
        answer = pool.submit(ask_patiently, here(port))
        nobody.accept()[0].close()
        nobody.close()
        with Process(tmp_path, SERVE_PORT=str(port)) as service:
            until(lambda: len(posts(service)) == 1)
            put(registry, light, tmp_path)
            assert answer.result(WITHIN).label == "red"
            *refused, answered = posts(service)
    assert {line["status"] for line in refused} == {503}
    times = [datetime.fromisoformat(line["time"]) for line in (*refused, answered)]
    assert all(later - earlier >= timedelta(seconds=4.9) for earlier, later in pairwise(times))


def test_one_that_is_restarted_between_two_requests_is_asked_again(
    tmp_path: Path, light: Light
) -> None:
    put(registry_in(tmp_path), light, tmp_path)
    with Process(tmp_path) as service, Client(service.url, retries=PATIENT) as client:
        service.wait_for("/ready")
        assert client.classify(picture("red")).label == "red"
        service.process.kill()
        service.wait()
        with Process(tmp_path, SERVE_PORT=str(service.port)) as restarted:
            restarted.wait_for("/ready")
            assert client.classify(picture("blue")).label == "blue"
        service.process.returncode = 0  # as this end was asked for


class Scripted:
    """Answers with one status after the other, and then with the last one for ever."""

    def __init__(self, *statuses: int, **headers: str) -> None:
        self._statuses = list(statuses)
        self._headers = headers
        self.times: list[float] = []

    def __call__(self, handler: Handler) -> None:
        self.times.append(time.monotonic())
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        handler.send_response(status)
        for name, value in self._headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"<html")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_temporary_error_is_asked_again_as_often_as_wanted(
    upstream: Upstream, status: int
) -> None:
    upstream.behave = Scripted(status, Retry_After="0")
    with (
        Client(here(upstream.port), retries=2) as client,
        pytest.raises(Unavailable, match=f"answers {status}") as unavailable,
    ):
        client.classify(picture("red"))
    assert len(upstream.requests) == 3
    assert unavailable.value.status == status


@pytest.mark.parametrize("wish", ["1", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_the_service_says_when_to_come_back(upstream: Upstream, wish: str) -> None:
    script = upstream.behave = Scripted(503, 404, Retry_After=wish)
    with Client(here(upstream.port)) as client, pytest.raises(NoClassifier):
        client.classify(picture("red"))
    first, second = script.times
    assert second - first >= (0.9 if wish == "1" else 0)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, NoClassifier),
        (400, NoClassifier),
        (401, NoClassifier),
        (404, NoClassifier),
        (405, NoClassifier),
        (413, NoClassifier),
        (429, NoClassifier),
        (500, Unavailable),
        (501, Unavailable),
    ],
)
def test_nothing_else_is_asked_again(
    upstream: Upstream, status: int, error: type[Exception]
) -> None:
    upstream.behave = Scripted(status, Retry_After="0", Location="https://elsewhere/")
    with Client(here(upstream.port), retries=PATIENT) as client, pytest.raises(error):
        client.classify(picture("red"))
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [(400, Refused, 1), (401, Denied, 4), (403, Denied, 4), (429, Unavailable, 3)],
)
def test_a_problem_is_told_by_its_status(
    upstream: Upstream, status: int, error: type[Problem], code: int
) -> None:
    details: dict[str, Any] = {"detail": "so it is", "request-id": "id", "errors": []}
    upstream.behave = lambda handler: handler.answer(status, **details)
    with Client(here(upstream.port)) as client, pytest.raises(error, match="so it is") as problem:
        client.classify(picture("red"))
    assert (problem.value.exit_code, problem.value.request_id) == (code, "id")


GOOD = {"label": "7", "index": 7, "confidence": 0.5}
EXPLAINED = {"method": "rise", "class": 7, "heat": [[0.5] * 16] * 16, "overlay": "aGVhdA=="}


def answer(*predictions: object) -> dict[str, Any]:
    return {"request-id": "id", "data": {"version": "v", "predictions": list(predictions)}}


def test_an_explanation_is_read(upstream: Upstream) -> None:
    upstream.behave = lambda handler: handler.answer(
        200, **answer({**GOOD, "explanation": EXPLAINED})
    )
    with Client(here(upstream.port)) as client:
        explanation = client.classify(b"image", explain=True).explanation
    assert explanation
    assert (explanation.method, explanation.index) == ("rise", 7)
    assert explanation.heat == ((0.5,) * 16,) * 16
    assert explanation.overlay == b"heat"
    assert upstream.requests[0]["path"] == "/predict?explain=1"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"message": "7"},
        {"request-id": "id", "data": None},
        answer(),
        answer(GOOD, GOOD),
        answer("7"),
        answer([]),
        answer({**GOOD, "confidence": "high"}),
        answer({**GOOD, "probabilities": 7}),
        answer({**GOOD, "explanation": "heat"}),
        answer({**GOOD, "explanation": {**EXPLAINED, "heat": 7}}),
        answer({**GOOD, "explanation": {**EXPLAINED, "overlay": "?"}}),
    ],
)
def test_another_document_is_no_classification(
    upstream: Upstream, document: dict[str, Any]
) -> None:
    upstream.behave = lambda handler: handler.answer(200, **document)
    with Client(here(upstream.port)) as client, pytest.raises(NoClassifier, match="answers 200"):
        client.classify(b"image")


def test_an_answer_that_is_missing_or_cut_off_is_asked_for_again(upstream: Upstream) -> None:
    def behave(handler: Handler) -> None:
        if len(upstream.requests) == 1:
            handler.cut()
        elif len(upstream.requests) == 2:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.cut()
        else:
            handler.answer(200, **answer(GOOD))

    upstream.behave = behave
    with Client(here(upstream.port), retries=0) as client, pytest.raises(Unreachable):
        client.classify(b"image")
    upstream.requests.clear()
    with Client(here(upstream.port), retries=1) as client:
        assert client.classify(b"image").label == "7"
    assert len(upstream.requests) == 3


def test_the_token_is_shown_here_and_nowhere_else(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    upstream.behave = lambda handler: handler.answer(200, **answer(GOOD))
    for token in ("aaa.bbb.ccc\n", "", "täken"):
        with Client(here(upstream.port), token) as client:
            client.classify(b"image")
    shown = [heard.get("Authorization", "") for heard in upstream.requests]
    assert [each.encode("latin-1").decode() for each in shown] == [
        "Bearer aaa.bbb.ccc",
        "",
        "Bearer täken",
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_accounts_are_on_a_token_lets_in(
    tmp_path: Path, light: Light, database: Database, database_url: str
) -> None:
    put(registry_in(tmp_path), light, tmp_path)
    anna = {"name": "anna", "password": "correct horse battery"}
    variables = {
        "ACCOUNTS_ENABLED": "true",
        "ACCOUNTS_REGISTRATION": "open",
        "ACCOUNTS_SECRET_KEYS": "k" * 32,
        "DATABASE_URL": database_url,
    }
    with Process(tmp_path, **variables) as service:
        service.wait_for("/ready")
        for path in ("register-user", "token"):
            login = requests.post(f"{service.url}/{path}", json=anna, timeout=WITHIN).json()
        with Client(service.url, login["data"]["access_token"]) as client:
            assert client.classify(picture("red")).label == "red"
        for token in ("", "forged"):
            with Client(service.url, token) as client, pytest.raises(Denied, match="token"):
                client.classify(picture("red"))


@pytest.mark.parametrize(
    "url",
    ["", "classifier", "127.0.0.1:8000", "ftp://host", "http://", "http://host:port", "http://["],
)
def test_an_address_is_checked(url: str) -> None:
    with pytest.raises(WrongAddress, match="no address: give it as http://host:port"):
        Client(url)


def test_an_address_of_something_else_is_named(service: str) -> None:
    with (
        Client(f"{service}/nowhere") as client,
        pytest.raises(NoClassifier, match=r"/nowhere is not the address .* 404 NOT FOUND"),
    ):
        client.classify(picture("red"))

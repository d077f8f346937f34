"""Whatever is answered, the client knows it for what it is, and the command prints it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from client import (
    Client,
    ClientError,
    NoClassifier,
    Prediction,
    Unavailable,
    Unreachable,
    WrongAddress,
)
from client.__main__ import main
from client.answers import LARGEST
from tests.client.test_client import EXPLAINED, GOOD, answer, here
from tests.client.test_command import classify
from tests.nginx.upstream import Handler, Upstream

DEEP = 100_000  # lists in lists, more than Python can hold
NUMBERS = ["1e400", "-Infinity", "NaN", "9" * 5000, "true", '"0.5"', "null"]
STATUSES = [200, 204, 302, 400, 401, 404, 413, 429, 500, 503]


class Says:
    """Answers with a status and a body of any kind."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body, self.status = body, status

    def __call__(self, handler: Handler) -> None:
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)


@pytest.fixture
def client(upstream: Upstream) -> Iterator[Client]:
    """A client of whoever answers there, who asks once."""
    with Client(here(upstream.port), retries=0) as client:
        yield client


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("body", [b"[" * DEEP, b'{"data":' * DEEP, b'{"detail": ' + b"[" * DEEP])
def test_lists_in_lists_are_no_classification(
    upstream: Upstream, client: Client, body: bytes, status: int
) -> None:
    upstream.behave = Says(body, status)
    with pytest.raises(Unavailable if status == 500 else NoClassifier, match=f"answers {status}"):
        client.classify(b"image")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["confidence", "index", "probabilities", "heat"])
def test_what_is_no_number_is_no_classification(
    upstream: Upstream, client: Client, name: str, number: str
) -> None:
    places: dict[str, dict[str, Any]] = {
        "probabilities": {"probabilities": {"7": "HERE"}},
        "heat": {"explanation": {**EXPLAINED, "heat": [["HERE"]]}},
    }
    document = json.dumps(answer({**GOOD, **places.get(name, {name: "HERE"})}))
    upstream.behave = Says(document.replace('"HERE"', number).encode())
    with pytest.raises(NoClassifier):
        client.classify(b"image")


def test_a_whole_number_may_be_too_large_to_be_a_fraction(
    upstream: Upstream, client: Client
) -> None:
    upstream.behave = Says(json.dumps(answer({**GOOD, "confidence": 10**400})).encode())
    with pytest.raises(NoClassifier):
        client.classify(b"image")


@pytest.mark.parametrize("name", ["label", "version", "request-id", "detail"])
def test_what_is_no_text_is_no_answer_of_ours(
    upstream: Upstream, client: Client, name: str
) -> None:
    good: dict[str, Any] = {**answer(GOOD), "detail": "no image", "errors": []}
    places: dict[str, Any] = {"version": good["data"], "label": good["data"]["predictions"][0]}
    for value in (7, None, ["7"], {"7": 7}):
        places[name] = {**places.get(name, good), name: value}
        document = {**good, name: value} if name in good else answer(places[name])
        document = document if name != "version" else {**good, "data": places[name]}
        upstream.behave = Says(json.dumps(document).encode(), 400 if name == "detail" else 200)
        with pytest.raises(NoClassifier):
            client.classify(b"image")


def test_an_answer_without_an_end_is_left(upstream: Upstream, client: Client) -> None:
    sent = []

    def behave(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:  # until nobody listens
            handler.wfile.write(bytes(1024**2))
            sent.append(1024**2)

    upstream.behave = behave
    with pytest.raises(NoClassifier, match=r"answers more than 67,108,864 bytes"):
        client.classify(b"image")
    assert sum(sent) < 2 * LARGEST


@pytest.mark.parametrize(
    "answered",
    [
        "503 Busy\r\nRetry-After: " + "9" * 5000,
        "503 Busy\r\nRetry-After: Fri, 31 Dec 99999999999 23:59:59 GMT",
        "503 Busy\r\nRetry-After: Fri, 31 Dec 10000 23:59:59 GMT",
        "503 Busy\r\nRetry-After: soon",
        "302 Found\r\nLocation: http://[",
        "307 Temporary Redirect\r\nLocation: //@@[::",
        "200 OK\r\nContent-Length: 5, 6",
        "200 OK\r\nContent-Encoding: gzip",
        "200 OK\r\nContent-Encoding: " + "gzip, " * 500,
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5",
        "200 OK\r\n" + "A: b\r\n" * 200,
        "99999 OK",
    ],
)
def test_headers_that_nobody_can_read_are_no_answer(upstream: Upstream, answered: str) -> None:
    def behave(handler: Handler) -> None:
        handler.wfile.write(f"HTTP/1.1 {answered}\r\n\r\nwords".encode())
        handler.cut()

    upstream.behave = behave
    with (
        Client(here(upstream.port), retries=1) as client,
        pytest.raises(Unreachable, match="does not answer: "),
    ):
        client.classify(b"image")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
PREDICTION = st.fixed_dictionaries(
    {"label": JSON, "index": JSON, "confidence": JSON},
    optional={"probabilities": JSON, "explanation": JSON},
)
ANSWERED = st.fixed_dictionaries(
    {
        "request-id": JSON,
        "data": JSON
        | st.fixed_dictionaries({"version": JSON, "predictions": st.lists(PREDICTION | JSON)}),
    }
)
REFUSED = st.fixed_dictionaries(
    {
        "detail": JSON,
        "request-id": JSON,
        "errors": JSON | st.lists(st.fixed_dictionaries({"detail": JSON})),
    }
)
BODIES = st.binary() | (JSON | ANSWERED | REFUSED).map(json.dumps).map(str.encode)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BODIES, st.sampled_from(STATUSES))
@example(b"\xff\xfe" * 7, 200)
@example(b"", 204)
def test_any_answer_is_a_prediction_or_an_error_of_ours(
    upstream: Upstream, client: Client, body: bytes, status: int
) -> None:
    upstream.behave = Says(b"" if status == 204 else body, status)
    with contextlib.suppress(ClientError):
        assert isinstance(client.classify(b"image"), Prediction)


@pytest.mark.parametrize(
    ("label", "shown"),
    [("half \ud83d", "half \\ud83d"), ("\x1b[2J\nclear", "\\x1b[2J\\nclear"), ("élan", "élan")],
)
def test_a_label_is_printed_whatever_it_is(
    upstream: Upstream, tmp_path: Path, label: str, shown: str
) -> None:
    (tmp_path / "image").write_bytes(b"image")
    upstream.behave = Says(json.dumps(answer({**GOOD, "label": label})).encode())
    url = f"--url={here(upstream.port)}"
    assert classify(str(tmp_path / "image"), url) == (0, f"{shown} 50.0%\n", "")
    code, out, err = classify(str(tmp_path / "image"), url, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["label"] == label


def test_no_problem_moves_the_cursor(
    upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "image").write_bytes(b"image")
    problem = {"detail": "\x1b[2Jgone \ud83d", "request-id": "id", "errors": []}
    upstream.behave = Says(json.dumps(problem).encode(), 401)
    assert main([str(tmp_path / "image"), f"--url={here(upstream.port)}"]) == 4
    assert capsys.readouterr().err == "classify: \\x1b[2Jgone \\ud83d\n"


@pytest.mark.parametrize(
    "url",
    [
        "http://anna:geheim@host:8000",
        "https://geheim@host",
        "htp://anna:geheim@host",
        "anna:geheim@host",
        "http://anna:geheim@host:port",
        "http://anna:geheim@[",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WrongAddress, match="give it as http://host:port, and a token") as wrong:
        Client(url)
    assert "geheim" not in str(wrong.value)
    assert main(["image", f"--url={url}"]) == 2
    assert "geheim" not in capsys.readouterr().err

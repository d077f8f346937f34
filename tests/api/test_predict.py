"""``POST /predict``: every kind of body, the options, the limits."""

import base64
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.decoding import Decoder
from api.holder import Holder, Snapshot
from api.payloads import MAX_BODY, MAX_IMAGES
from api.service import Service
from images import NBYTES, Images
from tests.api.first_pixel import FirstPixel
from tests.images.files import encoded, png, samples

Ask = Callable[..., Any]


@pytest.fixture
def client(app: Flask, holder: Holder, snapshot: Snapshot) -> FlaskClient:
    holder.swap(snapshot)
    return app.test_client()


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    """Posts a body, and returns the document of an answer with the status."""

    def post(query: str = "", status: int = 200, **request: Any) -> Any:
        answer = client.post(f"/predict{query}", **request)
        assert answer.status_code == status, answer.text
        return answer.json.get("data", answer.json)

    return post


def raw(*values: int) -> bytes:
    return b"".join(bytes([value]) * NBYTES for value in values)


def flat(value: int, form: str = "PNG") -> bytes:
    """A file of one colour, whose first pixel has ``value``."""
    return encoded(np.full((40, 30, 3), value, np.uint8), form, **LOSSLESS[form])


LOSSLESS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "BMP": {},
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 100},  # exact for grey of one level
}


def indices(document: Any) -> list[int]:
    return [each["index"] for each in document["predictions"]]


@pytest.mark.parametrize("count", [1, 2, MAX_IMAGES])
def test_a_raw_batch_is_answered_in_order(ask: Ask, snapshot: Snapshot, count: int) -> None:
    values = [7 * each % 256 for each in range(count)]
    document = ask(data=raw(*values), content_type="application/octet-stream")
    assert indices(document) == values
    assert document["predictions"][0] == {
        "index": 0,
        "label": "class 0",
        "confidence": 0.75,
    }
    assert (document["version"], document["threshold"]) == (snapshot.version, 0.0)


@pytest.mark.parametrize("form", LOSSLESS)
def test_an_image_file_is_decoded_by_its_content(ask: Ask, form: str) -> None:
    for kind in ("image/jpeg", "image/png", "image/webp", "image/bmp"):
        assert indices(ask(data=flat(9, form), content_type=kind)) == [9]


def test_every_file_that_training_reads_is_read(ask: Ask) -> None:
    for data in samples().values():
        assert len(indices(ask(data=data, content_type="image/png"))) == 1


def test_several_files_of_a_form_and_of_json_are_answered_in_order(ask: Ask) -> None:
    values, forms = [3, 1, 2, 250], list(LOSSLESS)
    files = [flat(value, form) for value, form in zip(values, forms, strict=True)]
    form = {"image": [(io.BytesIO(data), f"{each}.png") for each, data in enumerate(files)]}
    assert indices(ask(data=form)) == values
    document = {"images": [base64.b64encode(data).decode() for data in files]}
    assert indices(ask(json=document)) == values


def test_the_probabilities_of_all_classes_are_given_on_demand(ask: Ask) -> None:
    (prediction,) = ask("?proba=1", data=raw(3))["predictions"]
    assert len(prediction["probabilities"]) == 256
    assert prediction["probabilities"]["class 3"] == prediction["confidence"] == 0.75
    assert "probabilities" not in ask("?proba=0", data=raw(3))["predictions"][0]


@given(st.floats(0, 1))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_threshold_is_for_one_request(ask: Ask, threshold: float) -> None:
    document = ask(f"?threshold={threshold!r}", data=raw(3))
    assert document["threshold"] == threshold
    label = "class 3" if threshold <= 0.75 else "other"
    assert (document["predictions"][0]["label"], indices(document)) == (label, [3])
    assert ask(data=raw(3))["threshold"] == 0


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("?threshold=1.01", "query.threshold"),
        ("?threshold=-1", "query.threshold"),
        ("?threshold=nan", "query.threshold"),
        ("?threshold=", "query.threshold"),
        ("?proba=yes", "query.proba"),
        ("?explain=2", "query.explain: Input should be '0' or '1'"),
        ("?proba=1&proba=1", "query.proba: give it once"),
        ("?tresh=1", "query.tresh: this is not known; there is proba and explain and threshold"),
    ],
)
def test_a_wrong_option_is_named(ask: Ask, query: str, location: str) -> None:
    assert location in ask(query, 400, data=raw(3))["detail"]


def part(data: bytes, name: str | None = "a.png") -> dict[str, Any]:
    content = (io.BytesIO(data), name) if name else data.decode()
    return {"data": {"image": content}, "content_type": "multipart/form-data"}


@pytest.mark.parametrize(
    ("request_", "status", "sentence"),
    [
        ({"data": b""}, 400, "it has 0 bytes"),
        ({"data": bytes(NBYTES + 1)}, 400, "it has 49,153 bytes"),
        ({"data": flat(1)}, 400, "an image file needs its own Content-Type"),
        ({"data": raw(*range(MAX_IMAGES + 1))}, 413, "these are 65 images: send at most 64"),
        ({"data": bytes(MAX_BODY + 1)}, 413, "the body is larger than 8,388,608 bytes"),
        ({"data": flat(1), "content_type": "image/gif"}, 415, "must be one of"),
        ({"data": flat(1), "headers": {"Content-Encoding": "gzip"}}, 415, "gzip"),
        ({"data": b"GIF89a", "content_type": "image/png"}, 400, "body: this is not a PNG"),
        ({"data": flat(1)[:-1], "content_type": "image/png"}, 400, "body: the PNG file is trunc"),
        ({"data": b"{", "content_type": "application/json"}, 400, "body: Invalid JSON"),
        ({"json": []}, 400, "body: Input should be an object"),
        ({"json": {}}, 400, "body.images: this is required"),
        ({"json": {"images": []}}, 400, "body.images: List should have at least 1 item"),
        ({"json": {"images": ["AA=="] * 65}}, 400, "body.images: List should have at most 64"),
        ({"json": {"images": ["%"]}}, 400, "body.images.0: this is not base64"),
        ({"json": {"images": [7]}}, 400, "body.images.0: Input should be a valid bytes"),
        ({"json": {"images": ["AA=="]}}, 400, "body.images.0: this is not a PNG"),
        ({"json": {"images": ["AA=="], "proba": 1}}, 400, "body.proba: this is not known"),
        ({"json": dict.fromkeys(map(str, range(10_000)))}, 400, "body: this has 10,000 fields"),
        ({"data": b"[" * 10_000, "content_type": "application/json"}, 400, "nested too deeply"),
        ({"data": b"9" * 5_000, "content_type": "application/json"}, 400, "body: Invalid JSON"),
        (part(b"hello"), 400, "body.image.0: this is not a PNG"),
        (part(b"hello", None), 400, "body.image.0: this is not a PNG"),
        ({"data": {}, "content_type": "multipart/form-data"}, 400, "the form is empty"),
        ({"data": b"--x\r\n", "content_type": "multipart/form-data; boundary=x"}, 400, "no whole"),
        ({"data": b"x", "content_type": "multipart/form-data"}, 400, "no whole multipart form"),
        (
            {"data": {"image": [(io.BytesIO(b""), f"{each}.png") for each in range(65)]}},
            413,
            "too many parts: send at most 64 images",
        ),
        ({"data": png(4097, 4096, b""), "content_type": "image/png"}, 413, "16,781,312 pixels"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_to_change(
    ask: Ask, request_: dict[str, Any], status: int, sentence: str
) -> None:
    assert sentence in ask(status=status, **request_)["detail"]


def test_the_files_of_a_request_share_its_limit_of_pixels(
    service: Service, holder: Holder, snapshot: Snapshot
) -> None:
    holder.swap(snapshot)
    client = create_app(replace(service, decoder=Decoder(40 * 30 * 3))).test_client()
    file = base64.b64encode(flat(5)).decode()
    assert client.post("/predict", json={"images": [file] * 3}).status_code == 200
    refused = client.post("/predict", json={"images": [file] * 4})
    assert (refused.status_code, "4,800 pixels" in refused.text) == (413, True)


def test_callers_of_batches_get_their_own_answers(client: FlaskClient, app: Flask) -> None:
    """Some are larger than a batch of the model, which takes 8 images."""

    def call(first: int) -> list[int]:
        values = [(first + each) % 256 for each in range(first % 13 + 1)]
        answer = app.test_client().post("/predict", data=raw(*values))
        assert indices(answer.json["data"]) == values  # type: ignore[index]
        single = app.test_client().post("/", data=raw(first))
        assert single.json == {"message": str(first)}
        return values

    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(call, range(128)))) == 128


def test_all_answers_of_a_request_are_of_one_version(
    client: FlaskClient, holder: Holder, snapshot: Snapshot
) -> None:
    """The model is exchanged while the first of two batches is predicted."""
    later = replace(snapshot, version="b" * 64)

    class Exchanging(FirstPixel):
        def predict(self, images: Images) -> Any:
            holder.swap(later)
            return super().predict(images)

    holder.swap(replace(snapshot, classifier=Exchanging()))  # type: ignore[arg-type]
    document = client.post("/predict", data=raw(*range(20))).json["data"]  # type: ignore[index]
    assert (document["version"], indices(document)) == (later.version, list(range(20)))


def test_without_a_model_the_reason_is_given(app: Flask, holder: Holder) -> None:
    holder.problem = "nothing is in production"
    answer = app.test_client().post("/predict", data=raw(1))
    assert (answer.status_code, "nothing is in production" in answer.text) == (503, True)
    assert json.loads(answer.text)

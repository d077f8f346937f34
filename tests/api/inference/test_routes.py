"""The protocol's routes: agreement with ``/predict``, and what strangers send."""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.holder import Holder, Snapshot
from api.payloads import MAX_BODY
from images import NBYTES, Images
from tests.api.inference.bodies import (
    HEADER,
    URL,
    binary,
    listed,
    pictures,
    tensor,
    with_binary,
)
from tests.api.inference.weighted import CLASSES, Weighted

SMALL = gzip.compress(b"{}", mtime=0)  # or the names of tests would tell the time
NO_RESET = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def nested(images: Images) -> dict[str, Any]:
    return {"json": {"inputs": [tensor(images, data=images.tolist())]}}


def packed(images: Images) -> dict[str, Any]:
    """With the whole body compressed."""
    request = binary(images)
    headers = request["headers"] | {"Content-Encoding": "gzip"}
    return request | {"data": gzip.compress(request["data"], 1), "headers": headers}


FORMS = {
    "listed": lambda images: {"json": listed(images)},
    "nested": nested,
    "binary": binary,
    "packed": packed,
    "raw": lambda images: {"data": images.tobytes(), "headers": {HEADER: "0"}},
}


@given(st.integers(1, 5), st.integers(0, 2**32), st.sampled_from(sorted(FORMS)))
@NO_RESET
def test_every_form_of_request_gets_the_answers_of_predict(
    client: FlaskClient, count: int, seed: int, form: str
) -> None:
    images = pictures(count, seed)
    outputs = {
        each["name"]: each for each in client.post(URL, **FORMS[form](images)).get_json()["outputs"]
    }
    expected = client.post("/predict?proba=1", data=images.tobytes()).get_json()["data"]
    for name in ("index", "label", "confidence"):
        assert outputs[name]["shape"] == [count]
        assert outputs[name]["data"] == [each[name] for each in expected["predictions"]]
    rows = [[each["probabilities"][name] for name in CLASSES] for each in expected["predictions"]]
    assert outputs["probabilities"]["data"] == list(chain.from_iterable(rows))
    assert outputs["probabilities"]["shape"] == [count, len(CLASSES)]


def refused(client: FlaskClient, status: int, **request: Any) -> str:
    """The sentence of an answer that must have the status and the form of the protocol."""
    answer = client.post(URL, **request)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/json"
    document = answer.get_json()
    assert list(document) == ["error"]
    return str(document["error"])


IMAGE = pictures()
DATA = IMAGE.ravel().tolist()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "input"}, "inputs.0.name: Input should be 'images'"),
        ({"name": None}, "inputs.0.name"),
        ({"datatype": "FP32"}, "inputs.0.datatype: Input should be 'UINT8'"),
        ({"datatype": "uint8"}, "inputs.0.datatype"),
        ({"shape": [1, 128, 128]}, "inputs.0.shape"),
        ({"shape": [1, 128, 128, 3, 1]}, "inputs.0.shape"),
        ({"shape": [-1, 128, 128, 3]}, "inputs.0.shape.0"),
        ({"shape": [-1, -128, 128, 3]}, "inputs.0.shape.1"),
        ({"shape": [2**64 + 1, 128, 128, 3]}, "inputs.0.shape.0"),
        ({"shape": [1.5, 128, 128, 3]}, "inputs.0.shape.0"),
        ({"shape": [True, 128, 128, 3]}, "inputs.0.shape.0"),
        ({"shape": ["1", 128, 128, 3]}, "inputs.0.shape.0"),
        ({"shape": [float("nan"), 128, 128, 3]}, "inputs.0.shape.0"),
        ({"shape": "1"}, "inputs.0.shape"),
        ({"shape": None}, "inputs.0.shape"),
        ({"shape": [2, 128, 128, 3]}, "this shape has 98,304 values, and these are 49,152"),
        ({"data": DATA[:-1]}, "this shape has 49,152 values, and these are 49,151"),
        ({"data": []}, "this shape has 49,152 values, and these are 0"),
        ({"data": [*DATA[:-1], 256]}, "inputs.0.data: each value must be from 0 to 255"),
        ({"data": [*DATA[:-1], -1]}, "inputs.0.data: each value must be from 0 to 255"),
        ({"data": [*DATA[:-1], 2**70]}, "inputs.0.data: each value must be from 0 to 255"),
        ({"data": [*DATA[:-1], 1.0]}, "inputs.0.data: each value must be a whole number"),
        ({"data": [*DATA[:-1], True]}, "inputs.0.data: each value must be a whole number"),
        ({"data": [*DATA[:-1], float("nan")]}, "inputs.0.data: each value must be a whole"),
        ({"data": [*DATA[:-1], None]}, "inputs.0.data: each value must be a whole number"),
        ({"data": [*DATA[:-1], [0]]}, "inputs.0.data: each value must be a whole number"),
        ({"data": ["0" * 2**20] * 4}, "this shape has 49,152 values, and these are 4"),
        ({"data": [[[[0]]]]}, "inputs.0.data: the values are not nested as [1, 128, 128, 3]"),
        ({"data": [IMAGE[0].tolist(), 7]}, "inputs.0.data: the values are not nested as"),
        ({"data": [[*IMAGE[0].tolist()[:-1], [[0, 0]] * 128]]}, "not nested as"),
        ({"data": {"0": 1}}, "inputs.0.data: the values must be in a list"),
        ({"data": "AAAA"}, "inputs.0.data: the values must be in a list"),
        ({"data": 0}, "inputs.0.data: the values must be in a list"),
        ({"parameters": {"binary_data_size": NBYTES}}, "give this or binary data, and not both"),
        ({"parameters": {"shared_memory_region": "x"}}, "shared_memory_region: this is not known"),
        ({"parameters": []}, "inputs.0.parameters: Input should be an object"),
        ({"more": 1}, "inputs.0.more: this is not known"),
    ],
)
def test_an_input_that_is_no_images_is_refused(
    client: FlaskClient, changes: Mapping[str, Any], sentence: str
) -> None:
    body = json.dumps({"inputs": [tensor(IMAGE, data=DATA) | changes]})
    answer = refused(client, 400, data=body, content_type="application/json")
    assert sentence in answer


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"inputs": []}, "body.inputs: List should have at least 1 item"),
        ({"inputs": [tensor(IMAGE)] * 2}, "body.inputs: List should have at most 1 item"),
        ({"inputs": {}}, "body.inputs: Input should be a valid list"),
        ({"inputs": [tensor(IMAGE)]}, "body.inputs.0.data: this is required, or else binary"),
        ({"id": 7}, "body.id: Input should be a valid string"),
        ({"outputs": [{"name": "scores"}]}, "body.outputs.0.name: Input should be 'index', "),
        ({"outputs": [{"name": "label"}] * 2}, "body.outputs: ask for each output once"),
        ({"outputs": [{"name": "label"}] * 9**4}, "body.outputs: List should have at most 4"),
        (
            {"outputs": [{"name": "label", "parameters": {"classification": 2}}]},
            "body.outputs.0: classification is for probabilities alone",
        ),
        (
            {"outputs": [{"name": "probabilities", "parameters": {"classification": 0}}]},
            "body.outputs.0.parameters.classification",
        ),
        (
            {"outputs": [{"name": "label", "parameters": {"binary_data": 1}}]},
            "body.outputs.0.parameters.binary_data: Input should be a valid boolean",
        ),
        ({"parameters": {"threshold": 2}}, "body.parameters.threshold: Input should be less"),
        ({"parameters": {"threshold": "0.5"}}, "body.parameters.threshold: Input should be a"),
        ({"parameters": {"threshold": float("nan")}}, "body.parameters.threshold"),
        ({"parameters": {"tresh": 1}}, "body.parameters.tresh: this is not known"),
        ({"parameters": dict.fromkeys(map(str, range(9**5)))}, "body.parameters: this has 59,049"),
    ],
)
def test_a_request_that_asks_for_what_there_is_not_is_refused(
    client: FlaskClient, more: Mapping[str, Any], sentence: str
) -> None:
    body = json.dumps(listed(IMAGE) | more)
    assert sentence in refused(client, 400, data=body, content_type="application/json")


def sized(size: Any, **changes: Any) -> dict[str, Any]:
    return {"inputs": [tensor(IMAGE, parameters={"binary_data_size": size}, **changes)]}


RAW = IMAGE.tobytes()


@pytest.mark.parametrize(
    ("document", "behind", "sentence"),
    [
        (sized(NBYTES), RAW[:-1], f"there are 49,151 bytes behind the JSON; {HEADER} says"),
        (sized(NBYTES), RAW + b"0", "there are 49,153 bytes behind the JSON"),
        (sized(NBYTES), b"", "there are 0 bytes behind the JSON"),
        (sized(0), b"", "a tensor of this shape has 49,152 bytes"),
        (sized(3), b"abc", "a tensor of this shape has 49,152 bytes"),
        (sized(NBYTES, shape=[2, 128, 128, 3]), RAW, "a tensor of this shape has 98,304 bytes"),
        (sized(-1), RAW, "binary_data_size: Input should be greater than or equal to 0"),
        (sized(2**63), RAW, "there are 49,152 bytes behind the JSON"),
        (sized(str(NBYTES)), RAW, "binary_data_size: Input should be a valid integer"),
        (sized(NBYTES, data=DATA), RAW, "give this or binary data, and not both"),
        (listed(IMAGE), RAW, "there are 49,152 bytes behind the JSON"),
    ],
)
def test_binary_data_of_another_size_are_refused(
    client: FlaskClient, document: Mapping[str, Any], behind: bytes, sentence: str
) -> None:
    assert sentence in refused(client, 400, **with_binary(document, behind))


@pytest.mark.parametrize(
    "header", ["-1", "", "x", "1e3", "0x10", "²", "9" * 5000, str(2**31), "1.0", "1 2", "1,2"]
)
def test_a_length_that_is_none_is_refused(client: FlaskClient, header: str) -> None:
    request = binary(IMAGE) | {"headers": {HEADER: header}}
    assert f"header.{HEADER}: this is how many" in refused(client, 400, **request)


def test_a_length_that_lies_is_refused(client: FlaskClient) -> None:
    request = binary(IMAGE)
    length = int(request["headers"][HEADER])
    for wrong in (1, length - 1, length + 1, len(request["data"])):
        assert "body: Invalid JSON" in refused(
            client, 400, **request | {"headers": {HEADER: str(wrong)}}
        )
    beyond = {HEADER: str(len(request["data"]) + 1)}
    assert "this is how many" in refused(client, 400, **request | {"headers": beyond})
    del request["headers"]
    assert "body: Invalid JSON" in refused(client, 400, **request)
    assert "49,152 raw bytes for each image" in refused(
        client, 400, **request | {"headers": {HEADER: "0"}}
    )


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b"null", b"[" * 10**6, b"{}"])
def test_what_is_no_document_is_refused(client: FlaskClient, body: bytes) -> None:
    assert refused(client, 400, data=body).startswith("body")


def test_other_types_and_codings_are_refused(client: FlaskClient) -> None:
    assert "must be one of" in refused(client, 415, data=b"", content_type="image/png")
    coded = {"headers": {"Content-Encoding": "br"}}
    assert "Content-Encoding is br" in refused(client, 415, data=b"", **coded)


BOMB = zlib.compress(b" " * (MAX_BODY + 1), 9)


@pytest.mark.parametrize(
    ("coding", "body", "status", "sentence"),
    [
        ("deflate", BOMB, 413, "larger than 8,388,608 bytes"),
        ("gzip", gzip.compress(bytes(2**28), 9, mtime=0), 413, "larger than 8,388,608 bytes"),
        ("deflate", BOMB[:-1], 413, "larger than 8,388,608 bytes"),
        ("gzip", SMALL[:-1], 400, "not exactly one whole gzip stream"),
        ("gzip", SMALL + b"\0", 400, "not exactly one whole gzip stream"),
        ("gzip", SMALL * 2, 400, "not exactly one whole gzip stream"),
        ("gzip", zlib.compress(b"{}"), 400, "this is no gzip"),
        ("deflate", SMALL, 400, "this is no deflate"),
        ("GZIP", b"", 400, "not exactly one whole"),
        ("gzip, gzip", gzip.compress(SMALL, mtime=0), 415, "Content-Encoding is gzip, gzip"),
        ("deflate", zlib.compress(bytes(MAX_BODY)), 400, "body: Invalid JSON"),
    ],
)
def test_a_compressed_body_has_the_limits_of_any_other(
    client: FlaskClient, coding: str, body: bytes, status: int, sentence: str
) -> None:
    headers = {"Content-Encoding": coding}
    assert sentence in refused(client, status, data=body, headers=headers)


def test_too_many_raw_images_are_refused(client: FlaskClient) -> None:
    body = bytes(65 * NBYTES)
    assert "these are 65 images" in refused(client, 413, data=body, headers={HEADER: "0"})
    assert "8,388,608" in refused(client, 413, data=bytes(MAX_BODY + 1), headers={HEADER: "0"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    ),
    st.sampled_from(["inputs", "outputs", "parameters", "id", "data", "shape", "datatype", "name"]),
)
@settings(NO_RESET, max_examples=150)
def test_no_document_is_a_failure_of_ours(client: FlaskClient, value: Any, field: str) -> None:
    document = listed(IMAGE)
    target = (
        document if field in ("inputs", "outputs", "parameters", "id") else document["inputs"][0]
    )
    target[field] = value
    answer = client.post(URL, data=json.dumps(document), content_type="application/json")
    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or list(answer.get_json()) == ["error"]


@given(
    st.binary(max_size=200),
    st.none() | st.text(max_size=6),
    st.sampled_from(["", "gzip", "deflate"]),
)
@settings(NO_RESET, max_examples=150)
def test_no_bytes_are_a_failure_of_ours(
    client: FlaskClient, body: bytes, header: str | None, coding: str
) -> None:
    headers = {"Content-Encoding": coding} if coding else {}
    if header is not None:
        headers[HEADER] = (
            header.encode("latin-1", "replace")
            .decode("latin-1")
            .translate(dict.fromkeys(map(ord, "\r\n\0")))
        )
    assert client.post(URL, data=body, headers=headers).status_code in (400, 413)


def test_a_name_may_be_half_of_a_character(
    client: FlaskClient, holder: Holder, model: Snapshot
) -> None:
    labels = replace(Weighted.labels, classes=tuple("\ud800" * n for n in range(1, 5)))
    holder.swap(replace(model, labels=labels))
    parameters = {"binary_data_output": True}
    assert client.post(URL, json=listed(IMAGE)).status_code == 200
    answer = client.post(URL, json=listed(IMAGE, parameters=parameters))
    assert answer.status_code == 200
    assert b"?" in answer.data[int(answer.headers[HEADER]) :]


def test_the_model_may_change_between_question_and_answer(
    client: FlaskClient, app: Flask, holder: Holder, model: Snapshot
) -> None:
    """Whoever names a version gets its answer, or none."""
    later = replace(model, version="b" * 64)

    class Exchanging(Weighted):
        def predict(self, images: Images) -> Any:
            holder.swap(later)
            return super().predict(images)

    holder.swap(replace(model, classifier=Exchanging()))  # type: ignore[arg-type]
    many = pictures(20)  # more than a batch
    url = f"/v2/models/classifier/versions/{model.version}/infer"
    answer = client.post(url, **binary(many))
    assert (answer.status_code, answer.get_json()) == (
        404,
        {"error": f"version {model.version} does not serve; {later.version} does"},
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v2/", 404), ("GET", "/v2/nothing", 404), ("PUT", "/v2", 405), ("GET", URL, 405)],
)
def test_what_has_no_route_is_refused_in_the_protocol(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, list(answer.get_json())) == (status, ["error"])
    assert ("Allow" in answer.headers) == (status == 405)
    assert client.get("/v2x").content_type == "application/problem+json"
    assert "X-Request-Id" in answer.headers


def test_the_log_names_the_version(client: FlaskClient, model: Snapshot, caplog: Any) -> None:
    caplog.set_level("INFO")
    client.post(URL, **binary(IMAGE))
    assert [each.version for each in caplog.records if hasattr(each, "version")] == [model.version]


def test_binary_data_are_not_copied() -> None:
    from api.inference.reading import read_request

    body = binary(IMAGE)["data"]
    length = len(body) - NBYTES
    _, images = read_request(body, str(length))
    whole = np.frombuffer(body, np.uint8)
    assert np.shares_memory(images, whole)
    assert np.array_equal(images, IMAGE)


def test_the_description_has_the_bounds_of_numbers(client: FlaskClient) -> None:
    schemas = client.get("/openapi.json").get_json()["components"]["schemas"]
    images = schemas["InferInput"]["properties"]["shape"]["prefixItems"][0]
    assert (images["type"], images["minimum"], images["maximum"]) == ("integer", 1, 64)
    classes = schemas["OutputParameters"]["properties"]["classification"]["anyOf"][0]
    assert (classes["type"], classes["minimum"]) == ("integer", 1)

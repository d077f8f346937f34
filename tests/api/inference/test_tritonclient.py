"""tritonclient, as anybody installs it, against the running service."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import requests
from tritonclient.http import (
    InferenceServerClient,
    InferenceServerException,
    InferInput,
    InferRequestedOutput,
    InferResult,
)

from api.holder import Holder, Snapshot
from images import Images
from tests.api.inference.bodies import pictures
from tests.api.inference.weighted import CLASSES

MODEL = "classifier"


@pytest.fixture
def triton(address: str) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(address) as client:
        yield client


@pytest.fixture
def served(holder: Holder, model: Snapshot) -> Snapshot:
    holder.swap(model)
    return model


def given(images: Images, binary: bool = True) -> list[InferInput]:
    tensor = InferInput("images", list(images.shape), "UINT8")
    return [tensor.set_data_from_numpy(images, binary_data=binary)]


def predicted(address: str, images: Images, query: str = "?proba=1") -> list[dict[str, Any]]:
    """What ``/predict`` answers."""
    answer = requests.post(f"http://{address}/predict{query}", images.tobytes(), timeout=60)
    predictions: list[dict[str, Any]] = answer.json()["data"]["predictions"]
    return predictions


def texts(values: Iterable[str | bytes]) -> list[str]:
    """Text, which the client gives as str where it came in JSON, and else as bytes."""
    return [each if isinstance(each, str) else each.decode() for each in values]


def require_equal(result: InferResult, predictions: list[dict[str, Any]]) -> None:
    """Fail unless every output says what ``/predict`` says."""
    for name in ("index", "confidence"):
        assert result.as_numpy(name).tolist() == [each[name] for each in predictions]
    assert texts(result.as_numpy("label")) == [each["label"] for each in predictions]
    rows = [[each["probabilities"][name] for name in CLASSES] for each in predictions]
    assert result.as_numpy("probabilities").tolist() == rows


@pytest.mark.parametrize(
    ("binary_input", "binary_output", "coding"),
    [
        (True, True, None),
        (True, False, "gzip"),
        (False, True, "deflate"),
        (False, False, None),
    ],
)
def test_answers_are_those_of_predict(
    triton: InferenceServerClient,
    address: str,
    served: Snapshot,
    binary_input: bool,
    binary_output: bool,
    coding: str | None,
) -> None:
    images = pictures(3)
    names = ("label", "probabilities", "confidence", "index")
    result = triton.infer(
        MODEL,
        given(images, binary_input),
        outputs=[InferRequestedOutput(name, binary_data=binary_output) for name in names],
        request_id="mine",
        request_compression_algorithm=coding,
        response_compression_algorithm=coding,
    )
    require_equal(result, predicted(address, images))
    said = result.get_response()
    assert (said["id"], said["model_name"], said["model_version"]) == (
        "mine",
        MODEL,
        served.version,
    )
    assert [output["name"] for output in said["outputs"]] == list(names)
    assert all(("data" in output) is not binary_output for output in said["outputs"])


def test_all_outputs_are_given_where_none_is_asked_for(
    triton: InferenceServerClient, address: str, served: Snapshot
) -> None:
    images = pictures(64)
    require_equal(triton.infer(MODEL, given(images)), predicted(address, images))


def test_a_version_that_serves_may_be_named(
    triton: InferenceServerClient, address: str, served: Snapshot
) -> None:
    images = pictures(1)
    require_equal(triton.infer(MODEL, given(images), served.version), predicted(address, images))
    assert triton.is_model_ready(MODEL, served.version)
    assert triton.get_model_metadata(MODEL, served.version) == triton.get_model_metadata(MODEL)


def test_a_threshold_is_a_parameter(
    triton: InferenceServerClient, address: str, served: Snapshot
) -> None:
    images = pictures(8)
    sure = sorted(each["confidence"] for each in predicted(address, images))
    threshold = (sure[3] + sure[4]) / 2
    result = triton.infer(MODEL, given(images), parameters={"threshold": threshold})
    predictions = predicted(address, images, f"?proba=1&threshold={threshold!r}")
    assert "other" in {each["label"] for each in predictions}
    require_equal(result, predictions)


@pytest.mark.parametrize("binary", [True, False])
def test_classes_are_given_as_triton_gives_them(
    triton: InferenceServerClient, address: str, served: Snapshot, binary: bool
) -> None:
    images = pictures(5)
    wanted = InferRequestedOutput("probabilities", binary_data=binary, class_count=2)
    rows = triton.infer(MODEL, given(images), outputs=[wanted]).as_numpy("probabilities")
    assert rows.shape == (5, 2)
    for row, prediction in zip(rows, predicted(address, images), strict=True):
        parts = [text.split(":") for text in texts(row)]
        found = {name: float(value) for value, _, name in parts}
        ordered = sorted(prediction["probabilities"].items(), key=lambda each: -each[1])[:2]
        assert list(found) == [name for name, _ in ordered]
        assert list(found.values()) == pytest.approx([value for _, value in ordered], abs=1e-6)
        assert int(parts[0][1]) == prediction["index"]


def test_more_classes_than_there_are_become_all(
    triton: InferenceServerClient, served: Snapshot
) -> None:
    wanted = InferRequestedOutput("probabilities", class_count=1000)
    result = triton.infer(MODEL, given(pictures(1)), outputs=[wanted])
    assert result.as_numpy("probabilities").shape == (1, len(served.labels.classes))


def test_requests_may_run_at_once(triton: InferenceServerClient, served: Snapshot) -> None:
    each = [pictures(1, seed) for seed in range(8)]
    waiting = [triton.async_infer(MODEL, given(images)) for images in each]
    for images, request in zip(each, waiting, strict=True):
        expected = served.classifier.predict(images)
        assert np.array_equal(request.get_result().as_numpy("probabilities"), expected)


def test_the_metadata_says_what_can_be_sent(
    triton: InferenceServerClient, served: Snapshot
) -> None:
    server = triton.get_server_metadata()
    assert server["name"] == "image-classifier"
    assert server["extensions"] == ["binary_tensor_data", "classification"]
    about = triton.get_model_metadata(MODEL)
    assert (about["name"], about["versions"]) == (MODEL, [served.version])
    (taken,) = about["inputs"]
    assert taken == {"name": "images", "datatype": "UINT8", "shape": [-1, 128, 128, 3]}
    result = triton.infer(MODEL, given(pictures(2)))
    for output in about["outputs"]:
        found = result.get_output(output["name"])
        assert found["datatype"] == output["datatype"]
        assert found["shape"] == [2 if size == -1 else size for size in output["shape"]]


def test_health_tells_a_service_without_a_model_from_one_with(
    triton: InferenceServerClient, holder: Holder, model: Snapshot
) -> None:
    holder.problem = "nothing is in production"
    assert triton.is_server_live()
    assert not triton.is_server_ready()
    assert not triton.is_model_ready(MODEL)
    with pytest.raises(InferenceServerException, match=r"\[503\] .*nothing is in production"):
        triton.infer(MODEL, given(pictures()))
    holder.swap(model)
    assert triton.is_server_ready()
    assert triton.is_model_ready(MODEL)
    assert not triton.is_model_ready("digits")
    assert not triton.is_model_ready(MODEL, "b" * 64)
    holder.drain()
    assert triton.is_server_live()
    assert not triton.is_server_ready()


@pytest.mark.parametrize(
    ("model_name", "version", "images", "reason"),
    [
        ("digits", "", pictures(), r"\[404\] there is no model digits; there is classifier"),
        (MODEL, "b" * 64, pictures(), rf"\[404\] version {'b' * 64} does not serve; a{{64}} does"),
        (MODEL, "", pictures()[:, :64], r"\[400\] body.inputs.0.shape.1: Input should be 128"),
        (MODEL, "", pictures(65), r"\[400\] body.inputs.0.shape.0: .* less than or equal to 64"),
        (MODEL, "", pictures(0), r"\[400\] body.inputs.0.shape.0: .* greater than or equal to 1"),
    ],
)
def test_errors_say_what_to_change(
    triton: InferenceServerClient,
    served: Snapshot,
    model_name: str,
    version: str,
    images: Images,
    reason: str,
) -> None:
    with pytest.raises(InferenceServerException, match=reason):
        triton.infer(model_name, given(images), version)


def test_what_is_not_of_this_protocol_is_refused_in_it(
    triton: InferenceServerClient, served: Snapshot
) -> None:
    with pytest.raises(InferenceServerException, match=r"\[404\] there is nothing at"):
        triton.get_model_config(MODEL)
    with pytest.raises(
        InferenceServerException, match=r"parameters.sequence_id: this is not known"
    ):
        triton.infer(MODEL, given(pictures()), sequence_id=7)
    floats = InferInput("images", [1, 128, 128, 3], "FP32")
    floats.set_data_from_numpy(pictures().astype(np.float32))
    with pytest.raises(InferenceServerException, match=r"datatype: Input should be 'UINT8'"):
        triton.infer(MODEL, [floats])
    assert triton.infer(MODEL, given(pictures()), priority=1, timeout=10**6).as_numpy("index").size

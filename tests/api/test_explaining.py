"""``POST /predict?explain=1``: what it says, for every kind of body, and what it costs others."""

import base64
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.errors import CallerGone, Overdue
from api.explaining import LONGEST_REST, MAX_EXPLAINED, Turns, within
from api.holder import Holder, Snapshot
from api.service import Service
from classifier.explanation import Check, Explanation, unchecked
from images import Images
from images.decode import decode
from tests.api.first_pixel import FirstPixel
from tests.clock import Clock
from tests.images.files import encoded, noise

FOREVER = 60.0  # seconds; no test waits for as long unless it fails

WHY = "/predict?explain=1"


@pytest.fixture
def client(app: Flask, holder: Holder, snapshot: Snapshot) -> FlaskClient:
    holder.swap(snapshot)
    return app.test_client()


def pictures(count: int) -> list[Images]:
    """Images of which the first byte, by which they are classified, differs from all others."""
    made = [np.zeros((128, 128, 3), np.uint8) for _ in range(count)]
    for index, image in enumerate(made):
        image[:8, :8] = 100 + index
    return made


def bodies(images: list[Images]) -> dict[str, dict[str, Any]]:
    """The images as every kind of body that may hold several."""
    files = [encoded(image, "PNG") for image in images]
    return {
        "raw": {"data": b"".join(image.tobytes() for image in images)},
        "form": {"data": {"image": [(io.BytesIO(file), "a.png") for file in files]}},
        "json": {"json": {"images": [base64.b64encode(file).decode() for file in files]}},
    }


@pytest.mark.parametrize("kind", ["raw", "form", "json"])
def test_each_image_of_any_body_is_explained(client: FlaskClient, kind: str) -> None:
    answer = client.post(f"{WHY}&proba=1", **bodies(pictures(3))[kind])
    assert answer.status_code == 200, answer.text
    predictions = answer.json["data"]["predictions"]  # type: ignore[index]
    assert [each["index"] for each in predictions] == [100, 101, 102]
    for prediction in predictions:
        explanation = prediction["explanation"]
        assert (explanation["method"], explanation["class"]) == ("rise", prediction["index"])
        heat = np.array(explanation["heat"])
        assert heat.shape == (16, 16)
        assert heat.min() >= 0
        assert np.unravel_index(heat.argmax(), heat.shape) == (0, 0)
        assert heat[0, 0] == 1
        overlay = decode(base64.b64decode(explanation["overlay"]))
        assert overlay.shape == (128, 128, 3)


def test_an_image_file_is_explained(client: FlaskClient) -> None:
    answer = client.post(WHY, data=encoded(pictures(1)[0], "PNG"), content_type="image/png")
    (prediction,) = answer.json["data"]["predictions"]  # type: ignore[index]
    assert prediction["explanation"]["heat"][0][0] == 1


def test_without_the_option_nothing_is_explained(client: FlaskClient) -> None:
    for path in ("/predict", "/predict?explain=0"):
        answer = client.post(path, **bodies(pictures(1))["raw"])
        assert "explanation" not in answer.json["data"]["predictions"][0]  # type: ignore[index]


def test_an_image_in_which_nothing_speaks_for_the_class_is_cold(client: FlaskClient) -> None:
    flat = np.full((128, 128, 3), 7, np.uint8)
    (prediction,) = client.post(WHY, **bodies([flat])["raw"]).json["data"]["predictions"]  # type: ignore[index]
    assert not np.any(prediction["explanation"]["heat"])


def test_the_same_image_is_explained_alike(client: FlaskClient, app: Flask) -> None:
    body = noise(128, 128).tobytes()

    def why(_: int) -> Any:
        return app.test_client().post(WHY, data=body).json["data"]  # type: ignore[index]

    assert why(0) == why(1)


def test_too_many_images_are_refused_before_anything_is_asked(client: FlaskClient) -> None:
    many = bodies(pictures(MAX_EXPLAINED + 1))["raw"]
    refused = client.post(WHY, **many)
    assert refused.status_code == 413
    assert "these are 9 images: send at most 8 with explain=1" in refused.text
    assert client.post("/predict", **many).status_code == 200


class Explaining(FirstPixel):
    """A model that explains as a test says."""

    def __init__(self, explain: Callable[[Check], None]) -> None:
        self._before = explain

    def explain(self, image: Images, index: int, check: Check = unchecked) -> Explanation:
        self._before(check)
        return super().explain(image, index, check)


class Gate:
    """Holds explanations until they are released."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.released = threading.Event()

    def __call__(self, check: Check) -> None:
        self.entered.release()
        assert self.released.wait(FOREVER)


@pytest.mark.parametrize("most", [1, 2])
def test_beyond_the_limit_of_explanations_others_are_refused_at_once(
    service: Service, holder: Holder, snapshot: Snapshot, most: int
) -> None:
    gate, body = Gate(), bodies(pictures(1))["raw"]
    holder.swap(replace(snapshot, classifier=Explaining(gate)))
    app = create_app(replace(service, explaining=Turns(most)))
    with ThreadPoolExecutor(most) as pool:
        first = [pool.submit(app.test_client().post, WHY, **body) for _ in range(most)]
        for _ in first:
            assert gate.entered.acquire(timeout=FOREVER)
        refused = app.test_client().post(WHY, **body)
        plain = app.test_client().post("/predict", **body)
        gate.released.set()
        assert [each.result(FOREVER).status_code for each in first] == [200] * most
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert "ask again, or without explain=1" in refused.text
    assert plain.status_code == 200
    assert app.test_client().post(WHY, **body).status_code == 200


def test_an_explanation_that_fails_lets_the_next_one_in(
    client: FlaskClient, holder: Holder, snapshot: Snapshot
) -> None:
    def fail(check: Check) -> None:
        raise RuntimeError("an explanation that fails")

    holder.swap(replace(snapshot, classifier=Explaining(fail)))
    body = bodies(pictures(1))["raw"]
    assert [client.post(WHY, **body).status_code for _ in range(2)] == [500, 500]
    holder.swap(snapshot)
    assert client.post(WHY, **body).status_code == 200


def test_an_explanation_ends_when_its_request_is_overdue(
    service: Service, holder: Holder, snapshot: Snapshot
) -> None:
    def endless(check: Check) -> None:
        while True:
            check()

    holder.swap(replace(snapshot, classifier=Explaining(endless)))
    impatient = create_app(replace(service, request_timeout=0.5)).test_client()
    late = impatient.post(WHY, **bodies(pictures(1))["raw"])
    assert (late.status_code, "within 0.5 s" in late.text) == (503, True)


def test_the_check_knows_time_and_caller() -> None:
    within(FOREVER, lambda: False)()
    with pytest.raises(Overdue, match="could not be explained within 0 s"):
        within(0, lambda: False)()
    with pytest.raises(CallerGone):
        within(FOREVER, lambda: True)()


def test_between_pieces_of_work_there_is_rest(clock: Clock) -> None:
    rests = []

    def sleep(seconds: float) -> None:
        rests.append(seconds)
        clock.now += seconds

    check = within(FOREVER, lambda: False, clock, sleep)
    for worked in (0.0, 0.002, 0.005, 1.0):
        clock.now += worked
        check()
    assert rests == pytest.approx([0, 0.006, 0.015, LONGEST_REST])


class Corner(FirstPixel):
    """A model that goes by the last pixel instead, and first has another take its place.

    Args:
        exchange: what does that.
    """

    def __init__(self, exchange: Callable[[], None]) -> None:
        self._exchange = exchange

    def predict(self, images: Images) -> Any:
        self._exchange()
        return super().predict(images[:, ::-1, ::-1])


def test_answer_and_explanation_are_of_one_version(
    client: FlaskClient, holder: Holder, snapshot: Snapshot
) -> None:
    """The model is exchanged while it answers, so that another serves when it is to explain."""
    later = replace(snapshot, version="b" * 64)
    former = Corner(lambda: holder.swap(later))
    holder.swap(replace(snapshot, classifier=former))
    image = pictures(1)[0]
    image[-8:, -8:] = 200
    data = client.post(WHY, **bodies([image])["raw"]).json["data"]  # type: ignore[index]
    (prediction,) = data["predictions"]
    assert holder.require().version == later.version
    assert (data["version"], prediction["index"]) == (snapshot.version, 200)
    assert prediction["explanation"]["heat"][-1][-1] == 1


def test_a_model_that_is_exchanged_before_it_answers_explains_nothing(
    service: Service, holder: Holder, snapshot: Snapshot
) -> None:
    """The one that a request finds is gone when its images are taken from the line."""
    later = replace(snapshot, version="b" * 64)

    class Late(Holder):
        def require(self) -> Snapshot:
            found = super().require()
            holder.swap(later)
            self.swap(later)
            return found

    late = Late()
    late.swap(replace(snapshot, classifier=Corner(lambda: None)))
    app = create_app(replace(service, holder=late))
    image = pictures(1)[0]
    data = app.test_client().post(WHY, **bodies([image])["raw"]).json["data"]  # type: ignore[index]
    assert data["version"] == later.version
    assert data["predictions"][0]["explanation"]["heat"][0][0] == 1

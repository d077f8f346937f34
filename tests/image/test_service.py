"""The service in its container: answers, health, and an end that loses nothing."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests

from images import digits
from tests.api.processes import call_until_refused
from tests.image.conftest import READER, Delivery
from tests.image.containers import WITHIN, Container, Service, options, run

TARGETS = ("api", "api-slim")
CALLERS = 4
UNDER_LOAD = 200  # answers before the end


@pytest.fixture(params=TARGETS)
def service(request: pytest.FixtureRequest, delivery: Delivery) -> Iterator[Service]:
    with Service(request.param, delivery.for_readers, **READER) as running:
        yield running


@pytest.fixture(scope="session")
def right(delivery: Delivery) -> dict[bytes, str]:
    """Some images, and what the model file in production answers outside of any container."""
    from classifier.load import load

    images = digits.load().images[:64]
    model = load(delivery.folder / "registry" / "production" / "best_model.hdf5")
    answers = np.asarray(model.predict(images)).argmax(axis=1)
    return {picture.tobytes(): str(answer) for picture, answer in zip(images, answers, strict=True)}


def test_it_answers_as_the_model_does_outside(service: Service, right: dict[bytes, str]) -> None:
    assert len(set(right.values())) > 1, "these images do not tell answers apart"
    service.wait_for("/ready")
    for picture, answer in right.items():
        document = requests.post(service.url, data=picture, timeout=WITHIN).json()
        assert document == {"message": answer}
    assert requests.post(service.url, data=b"short", timeout=WITHIN).status_code == 400
    service.signal("TERM")
    assert service.wait() == 0
    assert [line for line in service.lines if line["level"] != "INFO"] == []


def test_it_answers_every_request_before_it_ends(service: Service, right: dict[bytes, str]) -> None:
    service.wait_for("/ready")
    enough, answers = threading.Semaphore(0), {each: {answer} for each, answer in right.items()}
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [
            pool.submit(call_until_refused, service.port, answers, enough.release)
            for _ in range(CALLERS)
        ]
        for _ in range(UNDER_LOAD):
            assert enough.acquire(timeout=WITHIN)
        service.signal("TERM")
        answered = sum(caller.result() for caller in callers)
    assert service.wait() == 0
    posted = [line["status"] for line in service.lines if line.get("method") == "POST"]
    assert posted == [200] * answered
    assert answered >= UNDER_LOAD


def test_its_health_check_asks_the_port_that_it_listens_on(service: Service) -> None:
    service.wait_for("/health")
    assert service.check_health().returncode == 0


@pytest.mark.parametrize("target", TARGETS)
def test_its_health_check_fails_where_nothing_listens(target: str) -> None:
    given = ("--env=SERVE_PORT=1", "--entrypoint=python")
    with Container(target, "-c", "import signal; signal.pause()", given=given) as idle:
        result = idle.check_health()
        assert (result.returncode, result.stdout.strip()) == (1, "unhealthy")


def test_without_tensorflow_it_serves_a_variant(delivery: Delivery) -> None:
    with Service("api-slim", delivery.for_readers, **READER) as service:
        service.wait_for("/ready")
        info = requests.get(f"{service.url}/info", timeout=WITHIN).json()["data"]
        assert info["runtime"] == "onnx"


def test_without_tensorflow_it_does_not_start_with_it() -> None:
    result = run("api-slim", given=options(MODEL_RUNTIME="tensorflow"))
    assert result.returncode == 2
    assert "TensorFlow is not installed here: set MODEL_RUNTIME=onnx" in result.stderr

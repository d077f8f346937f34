"""``python -m api.ray``: the routes of the service, on Ray Serve."""

import base64
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import requests

from tests.api.processes import WITHIN, Process
from tests.api.ray_environment import Program, registry_in
from tests.api.ray_service import configure, eventually, serving
from tests.api.variants import Model, put
from tests.onnx_models import of_keras

# Of an answer, what no two have in common.
OWN = ("request-id", "timestamp", "url")


def picture(seed: int) -> bytes:
    """An image of large squares, which even an untrained model tells from others."""
    squares = np.random.default_rng(seed).choice([0, 255], (8, 8, 3)).astype(np.uint8)
    return squares.repeat(16, axis=0).repeat(16, axis=1).tobytes()


def png(seed: int) -> bytes:
    """The same as a file."""
    pixels = np.frombuffer(picture(seed), np.uint8).reshape(128, 128, 3)
    return cv2.imencode(".png", pixels)[1].tobytes()


def chunks() -> Iterator[bytes]:
    """An image in pieces, so that no length is declared."""
    yield picture(3)[:10000]
    yield picture(3)[10000:]


def questions() -> list[dict[str, Any]]:
    """Requests of every kind, those that are refused among them."""
    file = base64.b64encode(png(4)).decode()
    return [
        {"method": "POST", "url": "/", "data": picture(1)},
        {"method": "POST", "url": "/", "data": picture(2)},
        {"method": "POST", "url": "/", "data": chunks()},
        {"method": "POST", "url": "/", "data": b"short"},
        {"method": "POST", "url": "/", "data": b"x" * 2_000_000},
        {"method": "POST", "url": "/predict?proba=1", "data": picture(1) + picture(2)},
        {"method": "POST", "url": "/predict", "files": {"a": png(1), "b": png(2)}},
        {"method": "POST", "url": "/predict?proba=1", "json": {"images": [file, file]}},
        {"method": "POST", "url": "/predict?threshold=7", "data": picture(1)},
        {"method": "POST", "url": "/predict", "data": b"{}", "headers": {"Content-Type": "a/b"}},
        {"method": "GET", "url": "/ready"},
        {"method": "GET", "url": "/labels"},
        {"method": "GET", "url": "/nowhere"},
        {"method": "PUT", "url": "/predict"},
        {"method": "HEAD", "url": "/health"},
    ]


def answers(url: str) -> list[tuple[int, str, Any]]:
    """The status, type and content of every answer."""
    found = []
    for question in questions():
        answer = requests.request(**{**question, "url": url + question["url"]}, timeout=WITHIN)
        content = answer.json() if answer.content else {}
        said = {name: value for name, value in content.items() if name not in OWN}
        found.append((answer.status_code, answer.headers["Content-Type"], said))
    return found


def wait_until_ready(url: str, program: Program, version: str) -> None:
    """Wait until a version serves there; nobody is refused meanwhile."""

    def ready() -> bool:
        try:
            answer = requests.get(f"{url}/ready", timeout=WITHIN)
        except requests.ConnectionError:
            return False  # it does not listen yet
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return False  # nor has it a route yet
        assert answer.ok, answer.text
        found: bool = answer.json()["data"]["version"] == version
        return found

    eventually(program, ready)


def test_ray_serve_answers_as_the_service_does_and_follows_production(
    tmp_path: Path, models: tuple[Model, Model]
) -> None:
    registry, url = registry_in(tmp_path), configure(tmp_path)
    version = put(registry, models[0], {"float32": of_keras(models[0][0])}).record.version
    with Process(tmp_path) as service, serving(tmp_path) as program:
        service.wait_for("/ready")
        wait_until_ready(url, program, version)
        before = answers(url)
        assert before == answers(service.url)
        version = put(registry, models[1], {"float32": of_keras(models[1][0])}).record.version
        wait_until_ready(url, program, version)
        while service.wait_for("/ready")["data"]["version"] != version:
            time.sleep(0.05)
        after = answers(url)
        assert after == answers(service.url)
        assert after != before
        (token,) = program.temporary.glob("ray-*/token")
        assert token.stat().st_mode & 0o077 == 0
        assert listing(program.address(), token.read_text()) is grpc.StatusCode.OK
        assert listing(program.address(), "0" * 64) is grpc.StatusCode.UNAUTHENTICATED
        program.process.terminate()
        assert program.wait() == 0, program.log


def listing(address: str, token: str) -> grpc.StatusCode:
    """What becomes of a call of Ray's own, which lists its machines."""
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary("/ray.rpc.NodeInfoGcsService/GetAllNodeInfo")
        try:
            call(b"", timeout=WITHIN, metadata=[("authorization", f"Bearer {token}")])
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK

"""The service as people run it: a process, its signals, its settings, and a registry on disk."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from images import NBYTES
from registry import keys
from registry.card import Card
from registry.local import LocalBackend
from registry.open import open_registry
from registry.record import StageState
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.api.processes import ROOT, WITHIN, Process, call_until_refused
from tests.waiting import until

# What takes long to import, and serving raw images with ONNX Runtime and no accounts never needs.
HEAVY = {
    "cv2",
    "google",
    "h5py",
    "keras",
    "openapi_pydantic",
    "opentelemetry",
    "requests",
    "sqlalchemy",
    "tensorflow",
}

Model = tuple[Path, Card]
Promote = Callable[[Registry, Model], StageState]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    folder = tmp_path / "var" / "keys"
    settings = RegistrySettings(
        url=f"file:{tmp_path / 'registry'}",
        timeout=WITHIN,
        signing_key=folder / "signing.pem",
        public_key=folder / "public.pem",
    )
    keys.make(settings.signing_key, settings.public_key)
    return open_registry(settings, signing=True)


def pictures() -> list[bytes]:
    """Images of large squares, which even an untrained model tells apart."""
    squares = np.random.default_rng(7).choice([0, 255], (8, 8, 8, 3)).astype(np.uint8)
    return [image.repeat(16, axis=0).repeat(16, axis=1).tobytes() for image in squares]


def expected(model: Model) -> dict[bytes, str]:
    """What the model answers, computed here."""
    from classifier.load import load

    images = np.frombuffer(b"".join(pictures()), np.uint8).reshape(-1, 128, 128, 3)
    answers = load(model[0]).predict(images).argmax(axis=1)
    return {picture: str(answer) for picture, answer in zip(pictures(), answers, strict=True)}


def wait_for_info(service: Process, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the service says of its model, once that is what it is waited for."""

    def look() -> dict[str, Any]:
        info: dict[str, Any] = service.wait_for("/info")["data"]
        return info if fits(info) else {}

    return until(look, lambda: service.log)


def wait_for_version(service: Process, version: str) -> None:
    wait_for_info(service, lambda info: info["version"] == version)


def test_a_start_imports_nothing_heavy_that_may_not_be_needed() -> None:
    program = f"import sys, api.__main__; print(*{HEAVY} & sys.modules.keys())"
    imported = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    assert imported.split() == []


def test_from_an_empty_registry_through_swaps_under_load_to_the_end(
    tmp_path: Path, registry: Registry, models: tuple[Model, Model], promote: Promote
) -> None:
    one, two = map(expected, models)
    assert one != two, "these pictures do not tell the models apart"
    versions = [card.version for _, card in models]
    with ThreadPoolExecutor(4) as pool, Process(tmp_path) as service:
        service.wait_for("/health")
        assert "file:registry has no model" in service.wait_for("/ready", 503)["detail"]
        assert requests.post(service.url, data=bytes(NBYTES), timeout=WITHIN).status_code == 503

        promote(registry, models[0])
        service.wait_for("/ready")
        for picture, answer in one.items():
            document = requests.post(service.url, data=picture, timeout=WITHIN).json()
            assert document == {"message": answer}
        info = service.wait_for("/info")["data"]
        assert info["version"] == versions[0]
        assert info["classes"] == list(models[0][1].classes)
        assert info["production"]["sequence"] == 1

        either = {picture: {one[picture], two[picture]} for picture in one}
        callers = [pool.submit(call_until_refused, service.port, either) for _ in range(4)]
        promote(registry, models[1])
        wait_for_version(service, versions[1])
        registry.rollback("the second was no better")
        wait_for_version(service, versions[0])
        service.process.send_signal(signal.SIGTERM)
        assert service.wait() == 0
        answered = sum(caller.result() for caller in callers)
    lines = [line for line in service.lines if line.get("method") == "POST"]
    assert len(lines) == answered + len(one) + 1
    assert {line["version"] for line in lines} == {*versions, ""}
    assert not [line for line in service.lines if line["level"] in ("ERROR", "CRITICAL")]


def wait_for_problem(service: Process, sentence: str) -> dict[str, Any]:
    """Wait until the service says what is wrong; what it says of itself then."""
    return wait_for_info(service, lambda info: sentence in info["problem"])


def test_an_older_record_or_a_file_put_into_production_by_hand_is_never_served(
    tmp_path: Path, registry: Registry, models: tuple[Model, Model], promote: Promote
) -> None:
    first, second = (promote(registry, model).record for model in models)
    backend = LocalBackend(tmp_path / "registry", WITHIN)
    older = backend.stat(f"versions/{first.version}/best_model.hdf5")
    assert older
    with Process(tmp_path) as service:
        assert service.wait_for("/ready")["data"]["version"] == second.version
        now = backend.stat("production/best_model.hdf5")
        assert now
        backend.replace_if(now.name, older, first.to_metadata(), now.generation)
        assert wait_for_problem(service, "(replayed)")["version"] == second.version
        alerts = [line for line in service.lines if "(replayed)" in line.get("alert_subject", "")]
        assert alerts

    with Process(tmp_path) as service:
        assert service.wait_for("/ready")["data"]["version"] == second.version
        assert wait_for_problem(service, "(replayed)")["from_cache"]
        by_hand = tmp_path / "registry" / "production" / "best_model.hdf5"
        by_hand.unlink()
        by_hand.write_bytes(models[0][0].read_bytes())
        assert wait_for_problem(service, "no valid record")["version"] == second.version
        registry.rollback("somebody wrote to production")
        info = wait_for_info(service, lambda info: not info["problem"])
        assert (info["version"], info["production"]["sequence"]) == (second.version, 3)


def test_it_ends_in_order_while_the_model_is_loading(
    tmp_path: Path, registry: Registry, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(registry, models[0])
    with Process(tmp_path) as service:
        service.wait_for("/health")
        service.process.send_signal(signal.SIGTERM)
        assert service.wait() == 0


def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with Process(tmp_path, SERVE_SHUTDOWN_TIMEOUT="3600") as service:
        service.wait_for("/health")
        with service.connect() as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n")
            assert service.wait_for("/ready", 503)
            service.process.send_signal(signal.SIGINT)
            until(lambda: "stopping on SIGINT" in service.log, lambda: service.log)
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(WITHIN) == 128 + signal.SIGTERM
        service.process.returncode = 0  # as this end was asked for


def test_bad_requests_over_the_wire(tmp_path: Path) -> None:
    with Process(tmp_path, SERVE_REQUEST_TIMEOUT="0.5") as service:
        service.wait_for("/health")
        statuses = [
            requests.post(service.url, timeout=WITHIN, **request).status_code
            for request in (
                {"data": b"short"},
                {"data": bytes(5_000_000)},
                {"json": {"image": 1}},
                {"files": {"image": b"png"}},
                {"data": bytes(NBYTES), "headers": {"Content-Type": "image/png"}},
                {"data": bytes(NBYTES)},
            )
        ]
        assert statuses == [400, 413, 415, 415, 415, 503]
        answer = requests.put(service.url, timeout=WITHIN)
        assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)
        with service.connect() as connection:
            connection.sendall(
                b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 49152\r\n\r\nslow"
            )
            assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
        service.wait_for("/health")


def test_the_development_server_serves_too(tmp_path: Path) -> None:
    with Process(tmp_path, "--debug") as service:
        service.wait_for("/health")
        service.wait_for("/ready", 503)
        service.process.send_signal(signal.SIGINT)
        assert service.wait() == 0


@pytest.mark.parametrize(
    ("variables", "code", "sentence"),
    [
        ({"SERVE_PORT": "http"}, 2, "SERVE_PORT"),
        ({"SERVE_PROT": "8000"}, 2, "did you mean SERVE_PORT?"),
        ({"MODEL_VERSION": "latest"}, 2, "neither `follow` nor the 64 hex digits"),
        ({"REGISTRY_URL": "ftp://models"}, 2, "REGISTRY_URL"),
        ({"SERVE_HOST": "192.0.2.1"}, 1, "cannot listen on 192.0.2.1 port"),
        ({"SERVE_PORT": "taken"}, 1, "Address already in use; change SERVE_HOST or SERVE_PORT"),
    ],
)
def test_what_cannot_start_says_why_in_one_sentence(
    tmp_path: Path, variables: dict[str, str], code: int, sentence: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        if variables.get("SERVE_PORT") == "taken":
            variables = {"SERVE_PORT": str(taken.getsockname()[1])}
        ended = subprocess.run(
            [sys.executable, "-m", "api"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
    assert ended.returncode == code
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1

"""The service without TensorFlow, Keras and h5py, as in the image api-slim."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import requests

from classifier.load import load
from images import SHAPE
from registry.record import StageState
from registry.store import Registry
from tests.api.processes import ROOT, WITHIN, Process
from tests.api.variants import Files, Model, put

SLIM = "tests.api.slim"


IMAGE = np.random.default_rng(0).integers(0, 256, (1, *SHAPE), np.uint8)


def answer(service: Process) -> str:
    response = requests.post(service.url, data=IMAGE.tobytes(), timeout=WITHIN)
    assert response.status_code == 200, response.text
    message: str = response.json()["message"]
    return message


@pytest.mark.parametrize("runtime", ["onnx", "auto"])
def test_it_serves_a_variant_and_never_has_the_keras_file(
    runtime: str,
    on_disk: Registry,
    models: tuple[Model, Model],
    files: Files,
    tmp_path: Path,
) -> None:
    version = put(on_disk, models[0], files).record.version
    with Process(tmp_path, program=SLIM, MODEL_RUNTIME=runtime) as service:
        assert service.wait_for("/ready")["data"]["version"] == version
        assert service.wait_for("/info")["data"]["runtime"] == "onnx"
        libraries = service.wait_for("/service-info")["data"]["libraries"]
        assert "onnxruntime" in libraries
        assert "h5py" not in libraries
        assert answer(service) == str(load(models[0][0]).predict(IMAGE)[0].argmax())
        explained = f"{service.url}/predict?explain=1"
        assert requests.post(explained, data=IMAGE.tobytes(), timeout=WITHIN).status_code == 200
    kept = {path.suffix for path in (tmp_path / "cache" / version).iterdir()}
    assert kept == {".json", ".onnx"}


def test_it_starts_from_its_cache_while_the_registry_is_away(
    on_disk: Registry, models: tuple[Model, Model], files: Files, tmp_path: Path
) -> None:
    version = put(on_disk, models[0], files).record.version
    for away in (False, True):
        if away:
            (tmp_path / "registry").rename(tmp_path / "elsewhere")
        with Process(tmp_path, program=SLIM, MODEL_RUNTIME="onnx") as service:
            assert service.wait_for("/ready")["data"]["version"] == version
            answer(service)


@pytest.mark.parametrize("runtime", ["onnx", "auto"])
def test_without_a_variant_it_says_what_to_do(
    runtime: str,
    on_disk: Registry,
    models: tuple[Model, Model],
    promote: Callable[[Registry, Model], StageState],
    tmp_path: Path,
) -> None:
    promote(on_disk, models[0])
    with Process(tmp_path, program=SLIM, MODEL_RUNTIME=runtime) as service:
        while "no variant" not in (problem := service.wait_for("/ready", 503)["message"]):
            assert "is being" in problem, problem
        assert "TensorFlow is not installed here" in problem
        assert "take the image classifier-api" in problem
    warned = [line for line in service.lines if "variants alone can serve" in line["message"]]
    assert len(warned) == (runtime == "auto")
    assert "Traceback" not in service.log


def test_a_variant_that_cannot_serve_leaves_nothing_else(
    on_disk: Registry, models: tuple[Model, Model], tmp_path: Path
) -> None:
    put(on_disk, models[0], {"float32": b"\x00" * 40})
    with Process(tmp_path, program=SLIM, MODEL_RUNTIME="auto") as service:
        while "no variant" not in service.wait_for("/ready", 503)["message"]:
            pass
    assert "the float32 variant" in service.log
    assert "is not a loadable ONNX model" in service.log
    assert "Traceback" not in service.log


def test_with_tensorflow_wanted_it_does_not_start() -> None:
    command = [sys.executable, "-m", SLIM]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={"MODEL_RUNTIME": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
    )
    assert result.returncode == 2
    assert "TensorFlow is not installed here: set MODEL_RUNTIME=onnx" in result.stderr

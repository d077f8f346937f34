"""The stages as the processes that they are, on a bucket of the storage emulator."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.service import Service
from tests.alerts.smtp_process import SMTPServer
from tests.gcs.gcs_process import GCSServer
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120  # seconds; reached only if something is broken

Stage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stage(gcs_server: GCSServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Run ``python -m`` to its end, away from the checkout, on a bucket of its own."""
    bucket = gcs_server.make_bucket()
    variables = {"PYTHONPATH": str(ROOT), "REGISTRY_URL": f"gs://{bucket}/models"}
    for name, value in (gcs_server.variables | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(module: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=os.environ | more,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def succeeded(result: subprocess.CompletedProcess[str]) -> str:
    """What a process that ended well has printed."""
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.timeout(900)
def test_the_demo_takes_real_images_to_right_answers(stage: Stage) -> None:
    printed = succeeded(stage("demo"))

    assert "Stopped cleanly." in printed
    score = re.search(r"Right: (\d+) of (\d+) held-out images", printed)
    assert score, printed
    right, held_out = map(int, score.groups())
    assert held_out > 300
    assert right / held_out >= 0.98
    succeeded(stage("registry", "verify"))
    with Service.start() as service:
        service.wait_until_ready(PATIENCE)
        assert service.info()["runtime"] == "onnx", "the gate left its variants out"


def draw_shapes(folder: Path) -> None:
    """Small pictures with alpha: a shape of one of three kinds, anywhere, of any colour."""
    random = np.random.default_rng(0)
    for kind in ("circle", "cross", "square"):
        (folder / kind).mkdir(parents=True)
        for number in range(60):
            picture = np.zeros((32, 32, 4), np.uint8)
            colour = (*random.integers(0, 200, 3).tolist(), 255)
            x, y, size = (int(n) for n in random.integers((11, 11, 5), (21, 21, 10)))
            if kind == "circle":
                cv2.circle(picture, (x, y), size, colour, cv2.FILLED)
            elif kind == "square":
                cv2.rectangle(picture, (x - size, y - size), (x + size, y + size), colour, -1)
            else:
                cv2.line(picture, (x - size, y - size), (x + size, y + size), colour, 3)
                cv2.line(picture, (x - size, y + size), (x + size, y - size), colour, 3)
            assert cv2.imwrite(str(folder / kind / f"{number:02}.png"), picture)


def wait_for_version(service: Service, version: str) -> None:
    """Return when the service has exchanged its model for ``version``."""
    until(lambda: service.info()["version"] == version, service.info)


@pytest.mark.timeout(900)
def test_only_what_the_gate_passes_reaches_the_service(
    stage: Stage,
    tmp_path: Path,
    smtp_server: Callable[..., SMTPServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw_shapes(tmp_path / "shapes")
    mail = smtp_server()
    variables = {
        "TRAIN_DATA": "shapes",
        "GATE_DATA": "shapes",
        "GATE_MIN_ACCURACY": "0.8",
        "GATE_MARGIN": "0.2",
        "GATE_VARIANTS": "false",
        "MODEL_REFRESH_SECONDS": "0.2",
    }
    for name, value in (variables | mail.variables).items():
        monkeypatch.setenv(name, value)

    def in_production() -> str:
        shown = json.loads(succeeded(stage("registry", "show", "production", "--json")))
        version: str = shown["state"]["record"]["version"]
        return version

    succeeded(stage("training"))
    succeeded(stage("testing"))
    first = in_production()

    with Service.start() as service:
        assert service.wait_until_ready(PATIENCE)["version"] == first

        # It has hardly learned anything.
        succeeded(
            stage("training", "--epochs=1", "--learning-rate=1e-6", "--min-accuracy=0", "--seed=1")
        )
        refused = stage("testing")
        assert refused.returncode == 1
        assert "accuracy" in refused.stdout + refused.stderr
        assert in_production() == first
        mail.wait_for_messages(3)  # a result of each training, and the gate's alert
        assert any("[gate]" in str(message["Subject"]) for message in mail.messages())

        succeeded(stage("training", "--seed=2"))
        succeeded(stage("testing"))
        second = in_production()
        assert second != first
        wait_for_version(service, second)

        succeeded(stage("registry", "rollback", "--why", "to see whether it works"))
        assert in_production() == first
        wait_for_version(service, first)
        assert service.classify(bytes(128 * 128 * 3)) in {"0", "1", "2"}

    succeeded(stage("registry", "verify"))

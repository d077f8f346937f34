"""The whole chain for real on this machine: processes, a bucket, e-mails, a service."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from images.source import load
from jenkins.client import Client
from registry.card import Card
from registry.gcs import GCSBackend
from registry.store import Registry
from tests.alerts.smtp_process import SMTPServer
from tests.gcs.gcs_process import GCSServer
from tests.jenkins.conftest import ROOT, Jenkins, Outcome, end_service
from tests.ports import free_port
from tests.training.squares import COLOURS, paint


@pytest.fixture
def mail(smtp_server: Callable[..., SMTPServer]) -> SMTPServer:
    """Where the stages and the controller send their e-mails."""
    return smtp_server()


@pytest.fixture
def machine(
    jenkins: Jenkins, tmp_path: Path, gcs_server: GCSServer, gcs_bucket: str, mail: SMTPServer
) -> Iterator[Jenkins]:
    """A controller that delivers to this machine; the checks alone are a stub there."""
    for name in ("git", "kubectl", "podman", "python"):
        (tmp_path / "bin" / name).unlink()
    port = str(free_port())
    images = str(paint(tmp_path / "squares", 20))
    jenkins.environment["DEPLOY"] = "local"
    jenkins.smtp = {"host": mail.host, "port": mail.port}
    jenkins.machine |= (
        gcs_server.variables
        | mail.variables
        | {
            "PYTHON": sys.executable,
            "HOME": os.environ["HOME"],
            "DEPLOY_WORK": str(tmp_path / "delivery"),
            "REGISTRY_URL": f"gs://{gcs_bucket}/models",
            "REGISTRY_SIGNING_KEY": str(tmp_path / "keys" / "signing.pem"),
            "REGISTRY_PUBLIC_KEY": str(tmp_path / "keys" / "public.pem"),
            "TRAIN_DATA": images,
            "TRAIN_EPOCHS": "1",
            "TRAIN_MIN_ACCURACY": "0",
            "TRAIN_WORK": str(tmp_path / "training"),
            "GATE_DATA": images,
            "GATE_MARGIN": "0.5",
            "GATE_ROBUSTNESS_IMAGES": "0",
            "GATE_VARIANTS": "false",
            "GATE_MIN_ACCURACY": "0.8",
            "SMOKE_DATA": images,
            "MODEL_CACHE": str(tmp_path / "cache"),
            "SERVE_PORT": port,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
    )
    subprocess.run(
        [sys.executable, "-m", "registry", "keygen"],
        cwd=ROOT,
        env=os.environ | jenkins.machine,
        check=True,
        capture_output=True,
    )
    yield jenkins
    end_service(tmp_path / "delivery" / "service" / "pid")


@pytest.fixture
def publish(
    machine: Jenkins, gcs_bucket: str, tmp_path: Path, make_card: Callable[..., Card]
) -> Callable[[tuple[str, ...]], str]:
    """A factory of candidates in testing that answer each colour with the name at its place."""
    data = load(str(tmp_path / "squares"))
    registry = Registry(GCSBackend(gcs_bucket, "models", timeout=20), "tests")

    def make(answers: tuple[str, ...]) -> str:
        path = tmp_path / f"{'-'.join(answers)}.hdf5"
        colour_model(answers).save(path)
        card = make_card(path, classes=data.classes)
        described = dataclasses.replace(card.data, fingerprint=data.fingerprint)
        registry.publish(path, dataclasses.replace(card, data=described), "made by hand")
        return card.version

    return make


def colour_model(answers: tuple[str, ...]):  # type: ignore[no-untyped-def]  # Keras has no types
    """A network that answers blue, green and red squares with these names."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((128, 128, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    weights = np.zeros((3, 3), np.float32)
    for colour, answer in zip(("blue", "green", "red"), answers, strict=True):
        channel = int(np.argmax(COLOURS[colour]))
        weights[channel, ("blue", "green", "red").index(answer)] = 20
    model.layers[-1].set_weights([weights, np.zeros(3, np.float32)])
    return model


def codes(outcome: Outcome) -> dict[str, int]:
    """The exit code of each stage script that ran."""
    commands = outcome.report["commands"]
    return {c["script"].rpartition("/")[2]: c["code"] for c in commands}


@pytest.mark.timeout(600)
def test_what_passes_is_served_what_does_not_changes_nothing_and_what_fails_is_undone(
    machine: Jenkins, publish: Callable[[tuple[str, ...]], str], gcs_bucket: str, mail: SMTPServer
) -> None:
    registry = Registry(GCSBackend(gcs_bucket, "models", timeout=20), "tests")
    service = Client(f"http://127.0.0.1:{machine.machine['SERVE_PORT']}", 30)
    pid = machine.folder / "delivery" / "service" / "pid"

    def in_production() -> str:
        state = registry.current("production")
        assert state is not None
        return state.record.version

    def subjects() -> list[str]:
        return [str(message["Subject"]) for message in mail.messages()]

    delivered = machine.build()
    assert delivered.report["result"] == "SUCCESS", delivered.report["log"]
    assert set(codes(delivered).values()) == {0}
    first = in_production()
    assert service.info()["version"] == first
    assert [subject.split()[0] for subject in subjects()] == ["[training]"]

    # It takes colours for one another.
    publish(("green", "red", "blue"))
    process = pid.read_text()
    refused = machine.build(TRAIN=False)
    assert refused.report["result"] == "FAILURE", refused.report["log"]
    assert codes(refused) == {"checks": 0, "build": 0, "gate": 1, "rollback": 0}
    assert in_production() == first
    assert pid.read_text() == process
    assert service.info()["version"] == first
    assert [subject.split()[0] for subject in subjects()[1:]] == ["[gate]", "[jenkins]"]

    # The gate finds it right, but these are not the names that callers know the colours by.
    publish(("blue", "green", "red"))
    known = paint(machine.folder / "known", 20, seed=1)
    for before, after in [("blue", "was-blue"), ("red", "blue"), ("was-blue", "red")]:
        (known / before).rename(known / after)
    broken = machine.build(TRAIN=False, machine={"SMOKE_DATA": str(known)})
    assert broken.report["result"] == "FAILURE", broken.report["log"]
    assert codes(broken)["rollout"] == 0, broken.report["log"]
    assert codes(broken)["smoke"] == 1
    assert codes(broken)["rollback"] == 0
    assert in_production() == first
    assert service.info()["version"] == first
    assert service.classify(bytes(128 * 128 * 3)) in {"0", "1", "2"}
    assert [subject.split()[0] for subject in subjects()[3:]] == ["[delivery]", "[jenkins]"]
    assert registry.verify() == []

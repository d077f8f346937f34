import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from api.holder import Holder, Snapshot
from api.metrics import Metrics
from api.monitor import Monitor
from api.settings import DriftSettings
from classifier.labels import Labels
from images import Images
from registry import keys
from registry.answers import Answers
from registry.card import Card
from registry.memory import MemoryBackend
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.store import Registry
from registry.verdict import Verdict
from testing.scoring import distribution
from tests.alerts.smtp_process import SMTPServer
from tests.api.processes import WITHIN, Process
from tests.api.test_metrics import Samples
from tests.registry.samples import verdict

WINDOW = 60
HELD_OUT = Answers((30, 30, *[0] * 254), (0.9,), (60, 0))
INDEX, LIMIT = "classifier_drift_index", "classifier_drift_limit"


class Watched:
    """A monitor of a model that answers with the first byte of an image."""

    def __init__(self, snapshot: Snapshot, **settings: Any) -> None:
        self.holder = Holder()
        self.metrics = Metrics()
        settings = {"window": WINDOW} | settings
        self.monitor = Monitor(
            self.holder, open_alerts(AlertSettings(), "api"), DriftSettings(**settings)
        )
        self.metrics.read_also(self.monitor)
        self.predict = self.monitor.watch(self.holder.answer)
        self.holder.swap(snapshot)

    def ask(self, *firsts: int) -> list[str]:
        images: list[Images] = [np.full((1, 128, 128, 3), first, np.uint8) for first in firsts]
        return [answer.label for answer in self.predict(images)]

    @property
    def samples(self) -> Samples:
        return Samples(self.metrics.exposition().decode())

    @property
    def windows(self) -> float | None:
        return self.samples.get("classifier_drift_windows_total")

    @property
    def drifted(self) -> bool:
        index, limit = (self.samples.get(name, figure="class mix") for name in (INDEX, LIMIT))
        assert index is not None
        assert limit is not None
        return index > limit


def judged(metrics: dict[str, Any]) -> Verdict:
    return replace(verdict(Registry(MemoryBackend(), "tester"), "a" * 64), metrics=metrics)


@pytest.fixture
def model(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, verdict=judged({"answers": asdict(HELD_OUT)}))


def subjects(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    told = [each for each in caplog.records if "drift" in each.getMessage()]
    return [(each.levelno, each.getMessage()) for each in told]


def test_answers_are_passed_on_as_they_are(model: Snapshot) -> None:
    assert Watched(model).ask(1, 0) == ["class 1", "class 0"]


def test_a_full_window_is_compared(model: Snapshot, caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(model)
    watched.ask(*[0, 1] * 29, 0)
    assert watched.windows == 0
    assert watched.samples.labels(INDEX, "figure") == []
    watched.ask(1)
    assert watched.windows == 1
    assert watched.samples.labels(INDEX, "figure") == ["class mix"]  # confidence never differs
    assert not watched.drifted
    assert subjects(caplog) == []


def test_drift_is_told_once_as_a_warning_while_it_lasts(
    model: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watched = Watched(model)
    for _ in range(2):
        watched.ask(*[0] * WINDOW)
        assert watched.drifted
    watched.ask(*[0, 1] * 30)
    assert not watched.drifted
    watched.ask(*[1] * WINDOW)
    found = subjects(caplog)
    assert [level for level, _ in found] == [logging.WARNING, logging.INFO, logging.WARNING]
    assert all("the class mix of the answers has drifted" in text for _, text in found)


def test_another_version_has_windows_of_its_own(model: Snapshot) -> None:
    watched = Watched(model)
    watched.ask(*[0] * WINDOW)
    watched.ask(*[0] * 59)
    watched.holder.swap(replace(model, version="b" * 64))
    watched.ask(0)
    assert watched.windows == 1
    assert watched.samples.labels(INDEX, "figure") == []  # what drifted was the other's
    watched.ask(*[0] * 58)
    assert watched.windows == 1
    watched.ask(0)
    assert watched.windows == 2


def test_a_new_process_begins_a_new_window(model: Snapshot) -> None:
    Watched(model).ask(*[0] * 59)
    restarted = Watched(model)
    restarted.ask(0)
    assert restarted.windows == 0


def test_answers_of_a_model_that_has_just_left_do_not_count(model: Snapshot) -> None:
    watched = Watched(model)
    late = watched.holder.answer([np.zeros((1, 128, 128, 3), np.uint8)] * WINDOW)
    watched.holder.swap(replace(model, version="b" * 64))
    watched.monitor.observe(late)
    assert watched.windows == 0


FEW = asdict(Answers((3, 3, *[0] * 254), (0.9,), (6, 0)))


@pytest.mark.parametrize(
    ("metrics", "settings", "why"),
    [
        (None, {}, "does not say how held-out images were answered"),
        ({}, {}, "does not say how held-out images were answered"),
        ({"answers": FEW}, {}, "6 held-out images against windows of 60 answers are too few"),
        ({"answers": asdict(HELD_OUT)}, {"window": 0}, "DRIFT_WINDOW is 0"),
        ({"answers": asdict(HELD_OUT)}, {"window": 39}, "windows of 39 answers are too few"),
    ],
)
def test_what_cannot_be_watched_is_said_once(
    snapshot: Snapshot,
    caplog: pytest.LogCaptureFixture,
    metrics: dict[str, Any] | None,
    settings: dict[str, Any],
    why: str,
) -> None:
    caplog.set_level(logging.INFO)
    judgement = None if metrics is None else judged(metrics)
    watched = Watched(replace(snapshot, verdict=judgement), **settings)
    for _ in range(100):
        watched.ask(0)
    ((level, said),) = subjects(caplog)
    assert level == logging.INFO
    assert why in said
    assert watched.windows == 0


def test_figures_of_other_classes_are_not_taken(
    model: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watched = Watched(replace(model, labels=Labels(model.labels.classes[1:], 0.0)))
    watched.ask(*[0] * WINDOW)
    assert watched.windows == 0
    assert len(subjects(caplog)) == 1


def squares(seed: int, count: int) -> Images:
    """Images of large squares, which even an untrained model tells apart."""
    rng = np.random.default_rng(seed)
    shades = rng.choice([0, 255], (count, 8, 8, 3)).astype(np.uint8)
    return shades.repeat(16, axis=1).repeat(16, axis=2)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    folder = tmp_path / "var" / "keys"
    settings = RegistrySettings(
        url=f"file:{tmp_path / 'registry'}",
        signing_key=folder / "signing.pem",
        public_key=folder / "public.pem",
    )
    keys.make(settings.signing_key, settings.public_key)
    return open_registry(settings, signing=True)


def test_the_service_tells_operators_of_drift(
    tmp_path: Path,
    registry: Registry,
    models: tuple[tuple[Path, Card], ...],
    smtp_server: Callable[..., SMTPServer],
) -> None:
    from classifier.load import load

    path, card = models[0]
    answered = load(path).predict(squares(1, 300))
    registry.publish(path, card, "a test")
    found = {"answers": asdict(distribution(answered))}
    registry.add_verdict(replace(verdict(registry, card.version), metrics=found), {})
    registry.promote(card.version, None, "a test")
    mail = smtp_server()
    alike = squares(2, 100)
    of_one_class = squares(3, 1).repeat(100, axis=0)
    with Process(tmp_path, **mail.variables, DRIFT_WINDOW="100") as service:
        service.wait_for("/ready")
        for expected, images in enumerate([alike, of_one_class]):
            assert len(mail.messages()) == 0
            for image in images:
                answer = requests.post(service.url, data=image.tobytes(), timeout=WITHIN)
                assert answer.status_code == 200
            samples = Samples(requests.get(f"{service.url}/metrics", timeout=WITHIN).text)
            index, limit = (samples.get(name, figure="class mix") for name in (INDEX, LIMIT))
            assert index is not None
            assert limit is not None
            assert (index > limit) is bool(expected)
        (message, *others) = mail.wait_for_messages()
    told = {str(each["Subject"]) for each in [message, *others]}
    assert "[api] the class mix of the answers has drifted" in told
    assert card.version in message.get_content()

"""Every way for a run to end is told, once, and changes nothing about the ending."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.open import open_alerts
from alerts.sender import AlertSender
from alerts.settings import AlertSettings
from process.errors import Failure
from registry.card import Calibration, Card, Data, DataFinding
from training.report import reported
from training.settings import TrainSettings

Settings = Callable[..., TrainSettings]


@pytest.fixture(autouse=True)
def _good_news_is_captured(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture
def alerts() -> Iterator[AlertSender]:
    with open_alerts(AlertSettings(), "training") as sender:
        yield sender


@pytest.fixture
def card(make_model: Callable[..., Path], make_card: Callable[..., Card]) -> Card:
    made = make_card(make_model())
    metrics = {"val_accuracy": 0.975, "best_epoch": 3}
    skipped = tuple(f"{index}.png" for index in range(25))
    data = Data(
        "shapes",
        "0" * 64,
        {"train": 7, "validation": 1, "held_out": 2},
        {},
        skipped,
        ("cat/1.png", "dog/2.png"),
        (
            DataFinding("outliers", "Two are odd.", "Look at both.", ("cat/8.png", "dog/9.png")),
            DataFinding("imbalance", "Cats are rare.", "Add some."),
        ),
    )
    return replace(made, metrics=metrics, data=data)


def told(caplog: pytest.LogCaptureFixture) -> str:
    [record] = [record for record in caplog.records if hasattr(record, "alert_subject")]
    return record.getMessage()


def raising(error: BaseException) -> Callable[[], Card]:
    def train() -> Card:
        raise error

    return train


def test_success(
    card: Card, settings: Settings, alerts: AlertSender, caplog: pytest.LogCaptureFixture
) -> None:
    line = reported(lambda: card, settings(), alerts)
    assert f"Published version {card.version}" in line
    assert "97.50%" in line
    message = told(caplog)
    assert line.splitlines()[0] in message
    for text in (line, message):
        assert "Two are odd. Look at both. First of all: cat/8.png, dog/9.png\n" in text
        assert "Cats are rare. Add some." in text
    assert "Confidence: not measured" in message
    assert "7 train, 1 validation, 2 held_out" in message
    assert "skipped: 25: 0.png" in message
    assert "19.png and 5 more" in message
    assert "Images in several classes: 2: cat/1.png, dog/2.png" in message
    assert "Duration: " in message


def test_names_of_files_cannot_write_to_a_terminal(
    card: Card, settings: Settings, alerts: AlertSender, caplog: pytest.LogCaptureFixture
) -> None:
    name = "cat/\x1b[2J\n\u202e.png"
    findings = (DataFinding("outliers", "One is odd.", "Look at it.", (name,)),)
    data = replace(card.data, findings=findings, skipped=(name,), ambiguous=(name,))
    line = reported(lambda: replace(card, data=data), settings(), alerts)
    assert line.splitlines()[-1].endswith(r"First of all: cat/\x1b[2J\n\u202e.png")
    assert told(caplog).count(r"cat/\x1b[2J\n\u202e.png") == 3


@pytest.mark.parametrize(
    ("accuracy", "reached", "words"),
    [
        (0.96, True, "20 calibration images are answered, 96.0% of them rightly; temperature 2,"),
        (0.96, None, "answered, 96.0% of them rightly; temperature 2,"),
        (0.96, False, "rightly; no threshold is shown to reach the target; temperature 2,"),
        (None, None, "20 calibration images are answered; temperature 2,"),
    ],
)
def test_what_confidence_means_is_told(
    card: Card,
    settings: Settings,
    alerts: AlertSender,
    caplog: pytest.LogCaptureFixture,
    accuracy: float | None,
    reached: bool | None,
    words: str,
) -> None:
    found = Calibration(20, 0.2, 0.1, 0.85, accuracy, reached)
    one = replace(card, threshold=0.5, temperature=2.0, calibration=found)
    reported(lambda: one, settings(), alerts)
    message = told(caplog)
    assert "Confidence: threshold 0.5, with which 85.0% of" in message
    assert words in message
    assert "calibration error 0.1000, 0.2000 before" in message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Failure("a class is empty"), "failed: a class is empty"),
        (KeyboardInterrupt(), "interrupted"),
        (ZeroDivisionError("a bug"), "failed unexpectedly: ZeroDivisionError('a bug')"),
        (MemoryError(), "failed unexpectedly: MemoryError()"),
    ],
)
def test_failure_is_told_and_goes_on(
    error: BaseException,
    words: str,
    settings: Settings,
    alerts: AlertSender,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(type(error)) as caught:
        reported(raising(error), settings(), alerts)
    assert caught.value is error
    assert words in told(caplog)


def test_two_runs_that_end_alike_are_both_told(
    card: Card, settings: Settings, alerts: AlertSender, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        reported(lambda: card, settings(), alerts)
    keys = {record.alert_key for record in caplog.records if hasattr(record, "alert_key")}
    assert len(keys) == 2

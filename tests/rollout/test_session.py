"""The judge with real services: production, a good canary, and one that fails."""

import json
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from images.digits import load
from process.settings import read
from registry import keys
from registry.card import Card
from registry.open import open_registry
from registry.settings import RegistrySettings
from rollout.agreement import some_images
from rollout.judgement import Decision
from rollout.session import Outcome, run_judge
from rollout.settings import RolloutSettings
from tests.alerts.smtp_process import SMTPServer
from tests.api.processes import WITHIN, Process
from tests.registry.samples import verdict

REQUESTS = 60


def serve(folder: Path, model: Path | None, make_card: Callable[..., Card]) -> Process:
    """Start a service whose registry has the model in production, if any."""
    settings = RegistrySettings(
        url=f"file:{folder / 'registry'}",
        signing_key=folder / "var" / "keys" / "signing.pem",
        public_key=folder / "var" / "keys" / "public.pem",
    )
    keys.make(settings.signing_key, settings.public_key)
    if model is not None:
        registry, card = open_registry(settings, signing=True), make_card(model)
        registry.publish(model, card, "a test")
        registry.add_verdict(verdict(registry, card.version), {})
        registry.promote(card.version, registry.current("production"), "a test")
    return Process(folder)


class Window:
    """A window of ten seconds on a clock of its own, in each of which ``traffic`` happens."""

    def __init__(self, traffic: Callable[[], None]) -> None:
        self._now = 0.0
        self._traffic = traffic

    def now(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        self._now += seconds
        self._traffic()


def ask(*urls: str) -> None:
    image = bytes(128 * 128 * 3)
    for url in urls:
        with requests.Session() as session:
            for _ in range(REQUESTS):
                session.post(url, data=image, timeout=WITHIN)


Judge = Callable[..., tuple[Outcome, dict[str, Any]]]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Judges in a window with some traffic; the outcome and the report."""

    def run(
        production: str, canary: str, traffic: Callable[[], None], **more: Any
    ) -> tuple[Outcome, dict[str, Any]]:
        settings = RolloutSettings(
            production=(production,),
            canary=(canary,),
            window=10,
            interval=5,
            timeout=WITHIN,
            min_requests=REQUESTS,
            error_margin=0.1,
            slow_margin=0.1,
            slow_seconds=30,
            report=tmp_path / "report" / "judgement.json",
            **more,
        )
        window = Window(traffic)
        with open_alerts(read(AlertSettings), "rollout") as alerts:
            outcome = run_judge(settings, alerts, window.now, window.wait)
        return outcome, json.loads(settings.report.read_text())

    return run


def answers(url: str) -> list[str]:
    images = some_images("digits", 20)
    return [
        requests.post(url, data=image.tobytes(), timeout=WITHIN).json()["message"]
        for image in images
    ]


def test_a_good_canary_is_promoted_and_one_that_fails_withdrawn(
    tmp_path_factory: pytest.TempPathFactory,
    make_model: Callable[..., Path],
    make_card: Callable[..., Card],
    judge: Judge,
    smtp_server: Callable[..., SMTPServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as running:
        production, canary, broken = (
            running.enter_context(serve(tmp_path_factory.mktemp("service"), model, make_card))
            for model in (make_model(1), make_model(2), None)
        )
        production.wait_for("/ready")
        canary.wait_for("/ready")
        broken.wait_for("/health")
        mail = smtp_server()  # for the judge's alerts alone
        for name, value in mail.variables.items():
            monkeypatch.setenv(name, value)

        images = {"images": "digits", "max_images": 20}
        outcome, report = judge(
            production.url, canary.url, lambda: ask(production.url, canary.url), **images
        )
        assert outcome.exit_code == Decision.PROMOTE == 0, outcome.text
        assert outcome.text.startswith("promote the canary\n")
        assert {side["requests"] for side in report["sides"].values()} == {2 * REQUESTS}
        pairs = zip(answers(production.url), answers(canary.url), strict=True)
        agreed = sum(one == other for one, other in pairs)
        assert report["agreement"]["count"] == agreed
        assert f"the same of {agreed} of 20 images" in outcome.text

        outcome, report = judge(
            production.url, broken.url, lambda: ask(production.url, broken.url), **images
        )
        assert outcome.exit_code == Decision.WITHDRAW == 3, outcome.text
        assert report["decision"] == "withdraw"
        assert report["sides"]["canary"]["errors"] == 2 * REQUESTS
        assert report["agreement"] is None
    (message,) = mail.wait_for_messages()
    assert "the canary is worse than production" in message["Subject"]
    assert f"canary {2 * REQUESTS} of {2 * REQUESTS}" in message.get_content()


def test_a_canary_that_starts_again_is_counted_from_its_start(tmp_path: Path, judge: Judge) -> None:
    with Process(tmp_path) as first:
        first.wait_for("/health")
        ask(first.url)
        with ExitStack() as running:

            def traffic() -> None:
                if first.process.poll() is None:
                    first.process.send_signal(signal.SIGTERM)
                    assert first.wait() == 0
                    again = running.enter_context(Process(tmp_path, "--port", str(first.port)))
                    again.url = first.url
                    again.wait_for("/health")
                ask(first.url)

            outcome, report = judge("http://127.0.0.1:1", first.url, traffic)
    canary = report["sides"]["canary"]
    assert (canary["requests"], canary["errors"]) == (2 * REQUESTS, 2 * REQUESTS)
    assert canary["restarts"] == 1
    assert outcome.exit_code == Decision.HOLD == 4
    assert "too few requests to production: 0 of 60 needed" in outcome.text


def test_images_are_spread_over_the_data() -> None:
    everything = load().images
    assert len(some_images("digits", 10**6)) == len(everything)
    few = some_images("digits", 3)
    assert np.array_equal(few[[0, 2]], everything[[0, -1]])

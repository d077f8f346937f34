"""The judge with real services: production, a good canary, and one that fails."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from images.digits import load
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


@dataclass(frozen=True)
class Services:
    """Processes of the service.

    Attributes:
        production: serves a model.
        canary: serves another.
        broken: finds no model, and answers images with 503.
    """

    production: Process
    canary: Process
    broken: Process


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory,
    make_model: Callable[..., Path],
    make_card: Callable[..., Card],
) -> Iterator[Services]:
    with ExitStack() as running:
        processes = [
            running.enter_context(serve(tmp_path_factory.mktemp("service"), model, make_card))
            for model in (make_model(1), make_model(2), None)
        ]
        services = Services(*processes)
        services.production.wait_for("/ready")
        services.canary.wait_for("/ready")
        services.broken.wait_for("/health")
        yield services


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


def ask(*processes: Process) -> None:
    image = bytes(128 * 128 * 3)
    for process in processes:
        with requests.Session() as session:
            for _ in range(REQUESTS):
                session.post(process.url, data=image, timeout=WITHIN)


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., tuple[Outcome, dict[str, object]]]:
    def run(
        production: Process, canary: Process, traffic: Callable[[], None], **more: object
    ) -> tuple[Outcome, dict[str, object]]:
        settings = RolloutSettings(
            production=(production.url,),
            canary=(canary.url,),
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
        with open_alerts(AlertSettings(), "rollout") as alerts:
            outcome = run_judge(settings, alerts, window.now, window.wait)
        return outcome, json.loads(settings.report.read_text())

    return run


Judge = Callable[..., tuple[Outcome, dict[str, object]]]


def test_a_canary_that_answers_as_well_is_promoted_and_agreement_is_told(
    services: Services, judge: Judge
) -> None:
    outcome, report = judge(
        services.production,
        services.canary,
        lambda: ask(services.production, services.canary),
        images="digits",
        max_images=20,
    )
    assert outcome.exit_code == Decision.PROMOTE == 0, outcome.text
    assert outcome.text.startswith("promote the canary\n")
    for side in ("production", "canary"):
        assert report["sides"][side]["requests"] == 2 * REQUESTS  # type: ignore[index]
    assert report["agreement"]["count"] == expected_agreement(services)  # type: ignore[index]
    assert f"the same of {expected_agreement(services)} of 20 images" in outcome.text


def expected_agreement(services: Services) -> int:
    """Asked here once more; both models name the same classes."""
    images = some_images("digits", 20)
    answers = [
        [
            requests.post(process.url, data=image.tobytes(), timeout=WITHIN).json()["message"]
            for image in images
        ]
        for process in (services.production, services.canary)
    ]
    return int(np.sum(np.array(answers[0]) == np.array(answers[1])))


def test_a_canary_that_fails_is_withdrawn_with_an_alert(
    services: Services,
    judge: Judge,
    smtp_server: Callable[..., SMTPServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = smtp_server()
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    outcome, report = judge(
        services.production,
        services.broken,
        lambda: ask(services.production, services.broken),
        images="digits",
        max_images=1,
    )
    assert outcome.exit_code == Decision.WITHDRAW == 3, outcome.text
    assert report["decision"] == "withdraw"
    assert report["sides"]["canary"]["errors"] == 2 * REQUESTS  # type: ignore[index]
    assert report["agreement"] is None
    (message,) = server.wait_for_messages()
    assert "the canary is worse than production" in message["Subject"]
    assert f"canary {2 * REQUESTS} of {2 * REQUESTS}" in message.get_content()


def test_without_requests_it_holds(services: Services, judge: Judge) -> None:
    outcome, report = judge(services.production, services.canary, lambda: None)
    assert outcome.exit_code == Decision.HOLD == 4
    assert len(report["reasons"]) == 2  # type: ignore[arg-type]
    assert "too few requests to the canary: 0 of 60 needed" in outcome.text


def test_a_canary_that_nobody_reaches_is_held(services: Services, judge: Judge) -> None:
    class Nobody:
        url = "http://127.0.0.1:1"

    outcome, _ = judge(services.production, Nobody(), lambda: ask(services.production))
    assert outcome.exit_code == Decision.HOLD
    assert "too few requests to the canary: 0" in outcome.text


def test_a_canary_that_starts_again_is_counted_from_its_start(
    tmp_path: Path, services: Services, judge: Judge
) -> None:
    first = serve(tmp_path, None, lambda model: None)
    running = [first]

    def traffic() -> None:
        if len(running) == 1:
            first.process.send_signal(signal.SIGTERM)
            assert first.wait() == 0
            running.append(Process(tmp_path, SERVE_PORT=str(first.port)))
            running[1].url = first.url
            running[1].wait_for("/health")
        ask(services.production, running[1])

    try:
        first.wait_for("/health")
        ask(first)
        outcome, report = judge(services.production, first, traffic)
    finally:
        for process in running:
            with process:
                pass
    canary = report["sides"]["canary"]
    assert (canary["requests"], canary["restarts"]) == (2 * REQUESTS, 1)  # type: ignore[index]
    assert outcome.exit_code == Decision.WITHDRAW


def test_images_are_spread_over_the_data() -> None:
    everything = load().images
    assert len(some_images("digits", 10**6)) == len(everything)
    few = some_images("digits", 3)
    assert np.array_equal(few[[0, 2]], everything[[0, -1]])

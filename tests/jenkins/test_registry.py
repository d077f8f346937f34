"""What a delivery asks of the registry: the gate's report, and whether there are new images."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from images.source import load
from jenkins.errors import NoReport
from jenkins.report import fetch
from registry.card import Card
from registry.memory import MemoryBackend
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.store import Registry
from registry.verdict import Verdict
from tests.jenkins.conftest import ROOT
from tests.training.squares import paint

SAME, OTHERS = 3, 0  # exit codes


def test_the_latest_report_is_fetched_whole(
    make_model: Callable[..., Path], make_card: Callable[..., Card], tmp_path: Path
) -> None:
    backend = MemoryBackend()
    registry = Registry(backend, "tests")
    model = make_model(seed=1)
    version = registry.publish(model, make_card(model), "made").record.version
    for number in ("1", "2"):
        verdict = Verdict(
            id=f"2026010{number}T000000000000Z-00000000",
            version=version,
            compared_with="",
            passed=False,
            checks=(),
            metrics={},
            data_fingerprint="0" * 64,
            created="2026-01-01T00:00:00+00:00",
        )
        registry.add_verdict(verdict, {"report.html": number.encode(), "report.json": b"{}"})

    fetch(backend, version, tmp_path / "gate")

    names = {path.name for path in (tmp_path / "gate").iterdir()}
    assert names == {"report.html", "report.json", "verdict.json"}
    assert (tmp_path / "gate" / "report.html").read_bytes() == b"2"


def test_there_is_no_report_of_what_was_not_judged(tmp_path: Path) -> None:
    with pytest.raises(NoReport, match="not judged"):
        fetch(MemoryBackend(), "a" * 64, tmp_path / "gate")
    assert not (tmp_path / "gate").exists()


def test_images_are_new_until_a_candidate_was_trained_on_them(
    make_model: Callable[..., Path], make_card: Callable[..., Card], tmp_path: Path
) -> None:
    url = f"file:{tmp_path / 'registry'}"
    squares = paint(tmp_path / "squares", 2)

    def look() -> int:
        done = subprocess.run(
            [ROOT / "jenkins" / "stages" / "new-data"],
            env=os.environ
            | {
                "PYTHON": sys.executable,
                "REGISTRY_URL": url,
                "TRAIN_DATA": str(squares),
                "DEPLOY_WORK": str(tmp_path / "work"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return OTHERS if (tmp_path / "work" / "new-data").exists() else SAME

    assert look() == OTHERS
    model = make_model(seed=1)
    card = make_card(model)
    known = dataclasses.replace(card.data, fingerprint=load(str(squares)).fingerprint)
    registry = open_registry(RegistrySettings(url=url))
    registry.publish(model, dataclasses.replace(card, data=known), "made")
    assert look() == SAME
    next((squares / "red").iterdir()).unlink()
    assert look() == OTHERS

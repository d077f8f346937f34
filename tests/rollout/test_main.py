"""The command as people and pipelines call it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.processes import ROOT, WITHIN


def command(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rollout", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )


def test_where_nobody_answers_it_holds_and_leaves_a_report(tmp_path: Path) -> None:
    addresses = {"ROLLOUT_PRODUCTION": "http://127.0.0.1:1", "ROLLOUT_CANARY": "http://127.0.0.1:1"}
    ended = command(tmp_path, "judge", "--window", "0.1", **addresses)
    assert ended.returncode == 4, ended.stderr
    assert ended.stdout.startswith("hold the canary\n  because too few requests to production")
    assert "http://127.0.0.1:1 has no figures" in ended.stderr
    assert (tmp_path / "var" / "rollout" / "judgement.json").exists()


def test_help_lists_the_settings(tmp_path: Path) -> None:
    for arguments in (["--help"], ["judge", "--help"]):
        ended = command(tmp_path, *arguments)
        assert ended.returncode == 0
        assert "ROLLOUT_MIN_REQUESTS (500)" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        ([], {}, "say what to do: python -m rollout judge"),
        (["promote"], {}, "say what to do: python -m rollout judge"),
        (["judge"], {"ROLLOUT_CANARY": "classifier:8000"}, "is not of the form http://host:port"),
        (["judge"], {"ROLLOUT_CANARY": "http://classifier"}, "is not of the form http://host:port"),
        (["judge"], {"ROLLOUT_MARGIN": "0.1"}, "ROLLOUT_MARGIN is not a setting"),
        (["judge"], {"ROLLOUT_ERROR_MARGIN": "0"}, "ROLLOUT_ERROR_MARGIN"),
    ],
)
def test_what_is_called_wrong_is_told_in_a_sentence(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], sentence: str
) -> None:
    ended = command(tmp_path, *arguments, **variables)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_report_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:1"
    flags = ["--window", "0.1", "--canary", nobody, "--production", nobody]
    ended = command(tmp_path, "judge", *flags, "--report", "/proc/judgement.json")
    assert ended.returncode == 1
    assert "ROLLOUT_REPORT=/proc/judgement.json cannot be written" in ended.stderr

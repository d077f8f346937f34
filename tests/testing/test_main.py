"""``python -m testing`` as a person and a pipeline meet it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.local import LocalBackend
from registry.open import open_registry
from registry.record import StageState
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.testing.paint import RIGHT

ROOT = Path(__file__).parents[2]
Publish = Callable[..., StageState]


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def gate(*flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run("testing", *flags, **variables)


def test_help_lists_the_settings_without_loading_tensorflow() -> None:
    told = gate("--help", PYTHONPROFILEIMPORTTIME="1")
    assert told.returncode == 0
    assert "GATE_MARGIN" in told.stdout
    assert "REGISTRY_URL" in told.stdout
    assert "--min-accuracy" in told.stdout
    assert "tensorflow" not in told.stderr
    assert "matplotlib" not in told.stderr


@pytest.mark.parametrize(
    ("flag", "variable"),
    [
        ("--margin=0", "margin"),
        ("--confidence=0.999", "confidence"),
        ("--min-accuracy=95", "min-accuracy"),
        ("--nonsense=1", "nonsense"),
    ],
)
def test_wrong_settings_are_a_usage_error(flag: str, variable: str) -> None:
    told = gate(flag)
    assert told.returncode == 2
    assert variable in told.stderr
    assert "Traceback" not in told.stderr


class TestRuns:
    """Runs on a registry in a folder, where they also leave the keys that they make."""

    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @pytest.fixture
    def backend(self, tmp_path: Path) -> LocalBackend:
        return LocalBackend(tmp_path / "registry")

    @pytest.fixture
    def registry(self, backend: LocalBackend) -> Registry:
        """Training's view of it, which has no keys."""
        return Registry(backend, "tester")

    @pytest.fixture
    def variables(self, tmp_path: Path, colours: Path) -> dict[str, str]:
        return {
            "REGISTRY_URL": f"file:{tmp_path / 'registry'}",
            "GATE_DATA": str(colours),
            "GATE_REPORTS": str(tmp_path / "reports"),
            "GATE_MAX_LATENCY": "60000",
            "GATE_ROBUSTNESS_IMAGES": "2",
            "GATE_VARIANTS": "false",
        }

    def test_candidate_is_promoted(
        self, publish: Publish, registry: Registry, variables: dict[str, str], tmp_path: Path
    ) -> None:
        version = publish(RIGHT).record.version
        told = gate(**variables)
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith("verdict    promoted to production\n")
        state = registry.current("production")
        assert state is not None
        assert state.record.version == version
        assert open_registry(RegistrySettings(url="file:registry")).current("production") == state
        assert (tmp_path / "reports" / "report.html").exists()

    def test_refusal_exits_with_1(
        self, publish: Publish, registry: Registry, variables: dict[str, str]
    ) -> None:
        publish(-RIGHT)
        told = gate(**variables)
        assert told.returncode == 1
        assert told.stdout.startswith("verdict    REFUSED\n")
        assert "GATE_MIN_ACCURACY" in told.stdout
        assert "Traceback" not in told.stderr
        assert registry.current("production") is None

    def test_missing_folder_exits_with_2(
        self, publish: Publish, variables: dict[str, str], tmp_path: Path
    ) -> None:
        publish(RIGHT)
        told = gate(**variables | {"GATE_DATA": str(tmp_path / "nowhere")})
        assert told.returncode == 2
        assert "nowhere" in told.stderr
        assert "Traceback" not in told.stderr

    def test_judged_now_and_promoted_later(
        self, publish: Publish, registry: Registry, variables: dict[str, str]
    ) -> None:
        version = publish(RIGHT).record.version
        told = gate("--promote=false", **variables)
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith("verdict    passed, and not promoted (GATE_PROMOTE)\n")
        assert registry.current("production") is None
        command = told.stdout.splitlines()[-1].removeprefix("promote    python -m ").split()
        assert command == ["registry", "promote", version, "--why", "..."]
        url = {"REGISTRY_URL": variables["REGISTRY_URL"]}
        promoted = run(*command[:-1], "the canary was as good", **url)
        assert promoted.returncode == 0, promoted.stderr
        state = open_registry(RegistrySettings(url="file:registry")).current("production")
        assert state
        assert (state.record.version, state.record.forced) == (version, False)
        assert state.record.why == "the canary was as good"
        assert gate("--promote=false", **variables).stdout.startswith(
            "verdict    in production already\n"
        )

"""A build of the Jenkinsfile without Jenkins, on a machine whose programs are stubs or real."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
HARNESS = Path(__file__).with_name("harness.groovy")
STUB = Path(__file__).with_name("stub")
PATIENCE = 240  # seconds; reached only if something is broken

CANDIDATE, BEFORE = "c" * 64, "b" * 64
# Of an overlay, what the stages select from.
RENDERED = "---\n".join(
    f"kind: {kind}\nmetadata:\n  name: {name}\n"
    for kind, name in [
        ("Namespace", "classifier-production"),
        ("ServiceAccount", "gate"),
        ("ConfigMap", "classifier-0"),
        ("Service", "classifier"),
        ("Service", "classifier-canary"),
        ("Deployment", "classifier"),
        ("Deployment", "classifier-canary"),
        ("CronJob", "gate"),
        ("HTTPRoute", "classifier"),
        ("HealthCheckPolicy", "classifier"),
        ("HealthCheckPolicy", "classifier-canary"),
        ("NetworkPolicy", "default"),
    ]
)


class Harness:
    """The Groovy process that runs builds, one after another."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["groovy", "-cp", str(HARNESS.parent), str(HARNESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, build: dict[str, Any]) -> dict[str, Any]:
        """Run one build and return what happened in it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(build) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError(f"the build does not end: {build['environment']}")
        outcome: dict[str, Any] = json.loads(self._process.stdout.readline())
        return outcome

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="session")
def harness() -> Iterator[Harness]:
    """A harness of this test process's own: Groovy takes seconds to start."""
    harness = Harness()
    yield harness
    harness.stop()


@dataclass
class Outcome:
    """What happened in a build.

    Attributes:
        report: the harness's own words.
        folder: what the stubs were asked, and what they keep.
    """

    report: dict[str, Any]
    folder: Path

    @property
    def ran(self) -> list[str]:
        """The stage scripts that ran, in order."""
        return [command["script"].rpartition("/")[2] for command in self.report["commands"]]

    @property
    def credentials(self) -> dict[str, list[str]]:
        """The credentials that were bound while a stage script ran."""
        commands = self.report["commands"]
        return {c["script"].rpartition("/")[2]: c["credentials"] for c in commands}

    @property
    def subjects(self) -> list[str]:
        """The subjects of the e-mails."""
        return [mail["subject"] for mail in self.report["mails"]]

    @property
    def calls(self) -> list[str]:
        """The calls of programs that stubs stand for."""
        calls = self.folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    @property
    def in_production(self) -> str:
        """The version in the stubs' registry."""
        return (self.folder / "production").read_text().strip()


def tracked() -> list[str]:
    """The top of the repository as a checkout has it."""
    left_out = {".git", ".venv", "var"}
    return sorted(path.name for path in ROOT.iterdir() if path.name not in left_out)


@dataclass
class Jenkins:
    """Runs builds on a machine.

    Attributes:
        harness: the Groovy process.
        folder: where everything lies that a build leaves.
        environment: the controller's variables.
        machine: those of the agents.
        credentials: what the folder of the job holds, by id.
        smtp: the controller's mail server.
    """

    harness: Harness
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)
    smtp: dict[str, Any] | None = None

    def build(
        self,
        branch: str = "main",
        change: str = "",
        previous: str = "",
        jenkinsfile: str = "",
        abort: str = "",
        machine: dict[str, str] | None = None,
        **parameters: object,
    ) -> Outcome:
        """Build a branch, or the pull request ``change``."""
        environment = {"BRANCH_NAME": branch, "JOB_NAME": f"delivery/classifier/{branch}"}
        if change:
            environment |= {"CHANGE_ID": change, "BRANCH_NAME": f"PR-{change}"}
        workspace = self.folder / f"workspace-{len(list(self.folder.iterdir()))}"
        build = {
            "jenkinsfile": jenkinsfile or (ROOT / "Jenkinsfile").read_text(),
            "environment": self.environment | environment,
            "machine": self.machine | (machine or {}),
            "credentials": self.credentials,
            "parameters": parameters,
            "previous": previous or None,
            "abort": abort,
            "smtp": self.smtp,
            "source": str(ROOT),
            "tracked": tracked(),
            "workspace": str(workspace),
        }
        return Outcome(self.harness.run(build), self.folder)

    def stage(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one stage script as a person does, with its state in the folder `by hand`."""
        work = {"DEPLOY_WORK": str(self.folder / "by hand")}
        return subprocess.run(
            [ROOT / "jenkins" / "stages" / name],
            env=self.machine | work | variables,
            capture_output=True,
            text=True,
            check=False,
        )


def end_service(number: Path) -> None:
    """End the service that a delivery has started, which is nobody's child."""
    if number.exists():
        process = os.pidfd_open(int(number.read_text()))
        signal.pidfd_send_signal(process, signal.SIGTERM)
        assert select.select([process], [], [], PATIENCE)[0]
        os.close(process)


@pytest.fixture
def jenkins(harness: Harness, tmp_path: Path) -> Jenkins:
    """A controller that delivers to a cluster of stubs, where an earlier version serves."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "kubectl", "make", "podman", "python"):
        (programs / name).symlink_to(STUB)
    (tmp_path / "rendered.yaml").write_text(RENDERED)
    for name, version in {"testing": CANDIDATE, "production": BEFORE, "before": BEFORE}.items():
        (tmp_path / name).write_text(f"{version}\n")
    return Jenkins(
        harness,
        tmp_path,
        environment={
            "BUILD_TAG": "jenkins-12",
            "IMAGE_REGISTRY": "registry.example.com/models",
            "OPERATORS": "ops@example.com",
        },
        machine={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHON": "python",
            "STUB": str(tmp_path),
            "STUB_PYTHON": sys.executable,
        },
        credentials={"image-registry": "/run/auth.json"},
    )

"""What the Dockerfile copies, from where and as whom; the images themselves: tests/image."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.test_imports import ALLOWED

ROOT = Path(__file__).parent.parent
TARGETS = ("api", "api-slim", "training", "testing")

# The packages whose commands run in each image, first its own stage.
COMMANDS = {
    "api": ("api",),
    "api-slim": ("api",),
    "training": ("training",),
    "testing": ("testing", "rollout"),
}


@dataclass
class Stage:
    """One ``FROM`` and the instructions that follow it, each as its keyword and its arguments."""

    name: str
    parent: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined, without comments."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line:
            keyword, arguments = line.split(maxsplit=1)
            yield keyword, arguments


def read_stages() -> dict[str, Stage]:
    """The stages by name."""
    stages: dict[str, Stage] = {}
    stage = Stage("", "")
    for keyword, arguments in instructions():
        if keyword == "FROM":
            parent, _, name = arguments.split()
            stage = stages[name] = Stage(name, parent)
        stage.steps.append((keyword, arguments))
    return stages


STAGES = read_stages()


def steps(name: str, keyword: str) -> list[str]:
    """The arguments of one kind of instruction in a stage and those it is built on, first first."""
    stage = STAGES.get(name)
    if stage is None:
        return []
    own = [arguments for found, arguments in stage.steps if found == keyword]
    return steps(stage.parent, keyword) + own


def copied(name: str) -> set[str]:
    """What a stage has from the repository, by way of other stages too."""
    sources = set()
    for arguments in steps(name, "COPY"):
        *words, _ = arguments.split()
        if words[0].startswith("--from="):
            sources |= copied(words[0].removeprefix("--from="))
        else:
            sources |= set(words)
    return sources


def imported_by(package: str) -> set[str]:
    """A package of ours and those that it may import, directly or not."""
    return {package}.union(*(imported_by(below) for below in ALLOWED[package]))


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_what_is_copied_is_there(device: str) -> None:
    sources = set().union(*map(copied, STAGES))
    paths = [ROOT / source.replace("${DEVICE}", device) for source in sources]
    assert [path for path in paths if not path.exists()] == []


def test_stages_are_built_on_the_base_or_on_stages_before_them() -> None:
    known = ["${BASE}"]
    for stage in STAGES.values():
        froms = [a.split()[0] for k, a in stage.steps if k == "COPY" and a.startswith("--from=")]
        used = {stage.parent, *(word.removeprefix("--from=") for word in froms)}
        assert used <= set(known), stage.name
        known.append(stage.name)


def test_the_base_is_one_release_and_can_be_replaced() -> None:
    assert re.search(
        r"^ARG BASE=\S+/\S+:\d+\.\d+\.\d+-\S+$", (ROOT / "Dockerfile").read_text(), re.M
    )


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_has_the_packages_that_its_commands_import(target: str) -> None:
    packages = copied(target) & set(ALLOWED)
    assert packages == set().union(*map(imported_by, COMMANDS[target]))


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_its_stage_without_a_shell_or_rights(target: str) -> None:
    (entry,) = steps(target, "ENTRYPOINT")
    assert json.loads(entry) == ["python", "-m", COMMANDS[target][0]]
    assert steps(target, "USER")[-1] == "10001"
    assert not steps(target, "CMD"), "arguments of the container would replace it"


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_downloads_nothing_outside_its_builders(target: str) -> None:
    commands = " ".join(steps(target, "RUN"))
    assert not re.search(r"apt-get|pip install|install-requirements|curl|wget", commands)
    assert not any(keyword == "ADD" for keyword, _ in instructions())


def test_only_what_is_copied_is_sent_to_the_builder() -> None:
    """So neither `.git`, `.venv` and `var` with its keys are, nor whatever else lies about."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    first, *rest = [line for line in lines if line and not line.startswith("#")]
    assert first == "*"
    allowed = {line.removeprefix("!") for line in rest if line.startswith("!")}
    assert allowed == {source.split("/")[0] for source in set().union(*map(copied, STAGES))}
    last = max(index for index, line in enumerate(rest) if line.startswith("!"))
    assert {"**/__pycache__", "**/.*", "**/*.key", "**/*.pem"} == set(rest[last + 1 :])

"""The registry's command, as a person runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from registry import keys
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.gcs.gcs_process import GCSServer
from tests.registry.samples import Sample, approved, promoted, verdict

ROOT = Path(__file__).parents[2]
Samples = Callable[[int], list[Sample]]


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """Runs the command in a folder of its own, on the registry ``registry`` there."""

    folder: Path

    def __call__(self, *arguments: str, **variables: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "registry", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "REGISTRY_URL": "file:registry"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> RegistrySettings:
    """Those of the command, from outside its folder."""
    return RegistrySettings(
        url=f"file:{tmp_path / 'registry'}",
        actor="tester@host",
        signing_key=tmp_path / "var" / "keys" / "signing.pem",
        public_key=tmp_path / "var" / "keys" / "public.pem",
    )


@pytest.fixture
def registry(settings: RegistrySettings) -> Registry:
    keys.make(settings.signing_key, settings.public_key)
    return open_registry(settings, signing=True)


def said(answer: Answer, sentence: str, code: int = 1) -> None:
    """Check that a failure is one line on standard error that holds ``sentence``."""
    assert answer.code == code
    assert answer.out == ""
    assert sentence in answer.err
    assert answer.err.count("\n") == 1


def test_a_life_of_two_versions(command: Command, registry: Registry, samples: Samples) -> None:
    one, two = (approved(registry, each) for each in samples(2))

    answer = command("list")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()] == ["version", one[:12], two[:12]]
    assert "testing" in answer.out.splitlines()[2]

    answer = command("promote", one[:10], "--why", "the first", REGISTRY_ACTOR="ann@desk")
    assert answer.code == 0
    assert one in answer.out
    assert "nothing" in answer.out
    assert "ann@desk" in answer.out

    said(
        command("promote", two, "--why", "the second"),
        f"the gate compared {two} with nothing, and production holds {one} now: run the gate again",
    )
    registry.add_verdict(replace(verdict(registry, two), compared_with=one), {})
    answer = command("promote", two, "--why", "the second")
    assert answer.code == 0
    assert one in answer.out
    assert two in answer.out

    answer = command("show", "production")
    assert answer.code == 0
    assert two in answer.out
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["2", "1"]
    assert "the first" in lines[-1]
    assert "ann@desk" in lines[-1]
    assert command("show").out == answer.out

    answer = command("rollback", "--why", "it sees circles everywhere")
    assert answer.code == 0
    assert answer.out.startswith(f"production  {one}")
    state = registry.current("production")
    assert state
    assert (state.record.version, state.record.why) == (one, "it sees circles everywhere")
    said(command("rollback", "--why", "more"), "nothing to roll back to")
    assert command("rollback", "--to", two[:9], "--why", "forth").code == 0

    assert command("verify").out == "everything is as it was written\n"


def test_a_verdict_on_another_production_has_to_be_forced(
    command: Command, registry: Registry, samples: Samples
) -> None:
    one, two, three = samples(3)
    state = promoted(registry, one)
    for each in (two, three):
        registry.publish(each.path, each.card, "new")
        judged = replace(verdict(registry, each.version), compared_with=one.version)
        registry.add_verdict(judged, {})
    registry.promote(two.version, state, "by the gate")
    answer = command("promote", three.version, "--why", "better")
    said(answer, f"compared {three.version} with {one.version}, and production holds {two.version}")
    assert command("promote", two.version, "--why", "sign it with a new key").code == 0
    assert command("promote", three.version, "--why", "better", "--force").code == 0
    assert command("promote", two.version, "--why", "x").code == 1
    assert command("rollback", "--why", "x").code == 0
    assert command("rollback", "--to", two.version, "--why", "x").code == 1


def test_json_for_machines(command: Command, registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    version = approved(registry, one)
    [listed] = json.loads(command("list", "--json").out)
    assert listed["version"] == version
    assert listed["stages"] == ["testing"]
    shown = json.loads(command("show", "testing", "--json").out)
    assert shown["state"]["record"] == shown["history"][0]
    shown = json.loads(command("show", version, "--json").out)
    assert shown["card"]["version"] == version
    assert shown["verdicts"][0]["passed"] is True
    found = json.loads(command("doctor", "--json").out)
    assert found["diagnosis"]["problems"] == []
    assert found["states"]["production"] is None


def test_the_doctor_asks_for_no_more_than_a_role_needs(command: Command) -> None:
    assert "write production/" not in command("doctor", "--role", "training").out
    answer = command("doctor", "--role", "service")
    assert answer.code == 0
    assert "read production/" in answer.out
    assert "write" not in answer.out
    assert command("doctor", "--role", "cook").code == 2


def test_an_empty_registry(command: Command) -> None:
    location = f"in folder {command.folder / 'registry'}"
    assert command("list").out.startswith(f"there is no version yet {location}")
    assert command("verify").out == f"there is nothing to verify {location}\n"
    assert json.loads(command("list", "--json").out) == []
    said(command("show"), f"production is empty, and always was, {location}")
    said(command("rollback", "--why", "x"), "nothing to roll back to")
    said(command("promote", "0" * 64, "--why", "x"), "no version")
    said(command("promote", "abc", "--why", "x"), "abc")
    assert command("verify").code == 0
    answer = command("doctor")
    assert answer.code == 0
    assert str(command.folder / "registry") in answer.out
    assert "empty" in answer.out


def test_a_version_is_shown_with_what_the_gate_said(
    command: Command, registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "new")
    said(command("promote", one.version[:8], "--why", "x"), "no verdict of the gate")
    registry.add_verdict(verdict(registry, one.version, passed=False), {})
    answer = command("show", one.version[:8].upper())
    assert answer.code == 0
    assert "refused: accuracy is 0.97" in answer.out
    assert "☂ & <b>" in answer.out
    said(command("promote", one.version[:8], "--why", "x"), "accuracy is 0.97")
    answer = command("promote", one.version[:8], "--why", "x", "--force")
    assert answer.code == 0
    assert "forced" in answer.out


def test_a_model_card_is_written(command: Command, registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    said(command("card"), "production is empty")
    promoted(registry, one)
    answer = command("card")
    assert answer.code == 0
    assert answer.out.startswith(f"# Model card: `{one.version[:12]}`\n")
    assert command("card", one.version[:8].upper()).out == answer.out
    assert command("card", "testing").out == answer.out
    page = command("card", "--html").out
    assert page.startswith("<!DOCTYPE html>")
    assert "☂ &amp; &lt;b&gt;" in page
    answer = command("card", one.version, "--html", "--output", "card.html")
    assert (answer.code, answer.out) == (0, "")
    assert (command.folder / "card.html").read_text(encoding="utf-8") == page
    said(command("card", "--output", "no/card.md"), "no/card.md cannot be written")
    said(command("card", "0" * 64), "no version")


def test_no_other_command_loads_what_renders_cards() -> None:
    code = "import sys, registry.__main__; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_what_a_person_gets_wrong(command: Command, registry: Registry, samples: Samples) -> None:
    for each in samples(17):  # more than there are digits: two begin alike
        registry.publish(each.path, each.card, "new")
    beginnings = [version[0] for version in registry.versions()]
    twice = next(digit for digit in beginnings if beginnings.count(digit) > 1)
    said(command("show", twice), "begin with", code=2)
    said(command("show", "xyz"), "xyz")
    said(command("show", ""), "no version")
    assert command().code == 2
    assert command("promote", "abc").code == 2
    assert command("rollback", "--why", " ").code == 2
    assert command("burn").code == 2
    said(command("list", REGISTRY_URL="s3://x"), "REGISTRY_URL=s3://x", code=2)
    said(command("list", REGISTRY_URI="file:x"), "REGISTRY_URI is not a setting", code=2)
    said(command("list", REGISTRY_TIMEOUT="soon"), "REGISTRY_TIMEOUT", code=2)


def test_damage_is_told_and_does_not_hide_the_rest(
    command: Command, registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    for each in (one, two):
        registry.promote(approved(registry, each), registry.current("production"), "good")
    folder = command.folder / "registry"
    for name in (f"versions/{one.version}/card.json", "production/best_model.hdf5"):
        (folder / name).unlink()
        (folder / name).write_text("by hand")

    answer = command("verify")
    assert answer.code == 1
    assert f"versions/{one.version}/card.json" in answer.out
    assert "production/best_model.hdf5" in answer.out

    answer = command("doctor")
    assert answer.code == 1
    assert "problem: production/best_model.hdf5" in answer.out

    answer = command("list")
    assert answer.code == 0
    assert "unknown" in answer.out
    assert two.version[:12] in answer.out

    said(command("show", "production"), "production/best_model.hdf5")
    assert command("rollback", "--why", "repair").code == 0
    assert command("show").code == 0


def test_help_is_plain_text(command: Command) -> None:
    answer = command("--help")
    assert answer.code == 0
    assert "\n  REGISTRY_URL (file:var/registry)\n      The model registry: gs://" in answer.out
    assert "|" not in answer.out


def test_a_registry_that_is_no_folder(command: Command) -> None:
    file = command.folder / "registry"
    file.write_text("")
    for url in ("file:registry", "file:registry/below"):
        sentence = f"{file} is not a folder: change REGISTRY_URL"
        for reading in ("list", "show", "verify"):
            said(command(reading, REGISTRY_URL=url), sentence)
        answer = command("doctor", REGISTRY_URL=url)
        assert answer.code == 1
        assert f"problem: {sentence}\n" in answer.out


def test_a_bucket(
    command: Command,
    settings: RegistrySettings,
    gcs_server: GCSServer,
    gcs_bucket: str,
    samples: Samples,
) -> None:
    url = f"gs://{gcs_bucket}/models/digits"
    keys.make(settings.signing_key, settings.public_key)
    registry = open_registry(settings.model_copy(update={"url": url}), signing=True)
    version = approved(registry, samples(1)[0])
    assert command("promote", version[:8], "--why", "good", REGISTRY_URL=url).code == 0
    answer = command("doctor", REGISTRY_URL=url)
    assert answer.code == 0
    assert version[:12] in answer.out
    assert url in answer.out
    gcs_server.grant(gcs_bucket, "roles/storage.objectViewer")
    answer = command("doctor", REGISTRY_URL=url)
    assert answer.code == 0
    assert "storage.objects.create  not known" in answer.out
    assert "note: a grant on condition of an object's name does not show" in answer.out
    answer = command("doctor", "--role", "gate", REGISTRY_URL=url)
    assert answer.code == 1
    assert "storage.objects.delete for production/best_model.hdf5  NO" in answer.out
    said(command("list", REGISTRY_URL="gs://no-such-bucket"), "gs://no-such-bucket")

"""A whole run of the gate, on real models, images and registries."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from alerts.sender import AlertSender
from registry import answers, evidence
from registry.backend import Blob
from registry.card import Golden
from registry.errors import Corrupt, NotPromotable, OutcomeUnknown, Unreachable
from registry.local import LocalBackend
from registry.memory import MemoryBackend
from registry.record import StageState
from registry.store import Registry
from registry.verdict import Verdict
from testing.errors import (
    ClassesDiffer,
    NoCandidate,
    NothingHeldOut,
    NotIntact,
    Overtaken,
    WrongSlices,
)
from testing.session import Outcome, run_gate
from testing.settings import GateSettings
from tests.registry.keyrings import trust
from tests.testing.paint import (
    BETTER,
    BLIND,
    BLIND_TO_RED,
    CLASSES,
    COLOURS,
    RIGHT,
    RIGHT_WITH_GREY,
    model,
    paint,
)

LENIENT = {"min_accuracy": 0.3, "min_recall": 0, "max_ece": 1}  # lets BLIND_TO_RED in

Publish = Callable[..., StageState]
Gate = Callable[..., Outcome]


@pytest.fixture
def gate(settings: GateSettings, registry: Registry, alerts: AlertSender) -> Gate:
    """Runs the gate, with settings changed by keyword."""
    return lambda **changes: run_gate(settings.model_copy(update=changes), registry, alerts)


def in_production(registry: Registry) -> str:
    state = registry.current("production")
    return state.record.version if state else ""


def last_verdict(registry: Registry, state: StageState) -> Verdict:
    return registry.verdicts(state.record.version)[-1]


def failed(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.passed]


def alerted(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The alerts' texts; without a mail server the sender logs them."""
    return [r.getMessage() for r in caplog.records if r.name.startswith("alerts")]


def test_first_candidate_is_promoted(
    publish: Publish, gate: Gate, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    state = publish(RIGHT)
    outcome = gate()
    assert outcome.exit_code == 0
    assert in_production(registry) == state.record.version
    verdict = last_verdict(registry, state)
    assert verdict.passed
    assert verdict.compared_with == ""
    assert verdict.metrics["accuracy"]["value"] == 1
    assert verdict.id in registry.history("production")[0].why
    assert alerted(caplog) == []


def test_the_verdict_says_how_held_out_images_were_answered(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(RIGHT)
    gate()
    metrics = last_verdict(registry, state).metrics
    found = answers.read(metrics)
    assert found is not None
    assert found.images == metrics["images"]
    assert list(found.classes) == np.sum(metrics["confusion"], axis=0).tolist()


def test_outcome_is_told_in_aligned_lines(publish: Publish, gate: Gate) -> None:
    version = publish(RIGHT).record.version
    lines = gate().text.splitlines()
    assert lines[0] == "verdict    promoted to production"
    assert lines[1] == f"version    {version}"
    assert lines[2].startswith("accuracy   100.00 % [")
    assert "report.html" in lines[-1]


def test_worse_candidate_is_refused(
    publish: Publish, gate: Gate, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    first = publish(RIGHT)
    gate()
    before = registry.current("production")
    state = publish(BLIND_TO_RED)
    outcome = gate(**LENIENT)
    assert outcome.exit_code == 1
    assert registry.current("production") == before
    verdict = last_verdict(registry, state)
    assert failed(verdict) == ["non-inferiority"]
    assert verdict.compared_with == first.record.version
    assert verdict.metrics["comparison"]["lost"] > 5
    assert ("reason", verdict.reasons[0]) in outcome.lines
    assert len(alerted(caplog)) == 1
    assert verdict.reasons[0] in alerted(caplog)[0]
    assert state.record.version[:12] in alerted(caplog)[0]


def test_better_candidate_replaces_production(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    publish(BLIND_TO_RED)
    assert gate(**LENIENT).exit_code == 0
    better = publish(RIGHT)
    assert gate().exit_code == 0
    assert in_production(registry) == better.record.version
    assert last_verdict(registry, better).metrics["comparison"]["won"] > 5


def test_candidate_below_the_floor_is_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(BLIND_TO_RED)
    assert gate().exit_code == 1
    assert in_production(registry) == ""
    assert failed(last_verdict(registry, state)) == ["accuracy", "recall", "calibration"]


def test_candidate_that_has_lost_a_class_is_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(BLIND_TO_RED)
    assert gate(min_accuracy=0.3, max_ece=1).exit_code == 1
    verdict = last_verdict(registry, state)
    assert failed(verdict) == ["recall"]
    assert "'red'" in verdict.reasons[0]
    assert "'blue'" not in verdict.reasons[0]


def test_one_from_which_production_was_rolled_back_does_not_return(
    publish: Publish, gate: Gate, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    good = publish(BETTER).record.version
    gate()
    bad = publish(RIGHT)
    gate()
    registry.rollback("cats are called dogs")
    assert gate().exit_code == 1
    assert in_production(registry) == good
    verdict = last_verdict(registry, bad)
    assert failed(verdict) == ["history"]
    assert [check.name for check in verdict.checks] == ["history"]  # nothing was asked of it
    [sentence] = verdict.reasons
    assert "tester rolled production back" in sentence
    assert "cats are called dogs" in sentence
    assert registry.history("production")[0].when in sentence
    assert f"registry promote {bad.record.version[:12]} --force --why" in sentence
    assert sentence in alerted(caplog)[-1]
    with pytest.raises(NotPromotable, match="cats are called dogs"):  # hence --force
        registry.promote(bad.record.version, registry.current("production"), "it was none")


def test_one_that_a_person_put_back_is_left_there(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    publish(BETTER)
    gate()
    bad = publish(RIGHT).record.version
    gate()
    registry.rollback("a mistake")
    registry.promote(bad, registry.current("production"), "it was none", force=True)
    assert "in production already" in gate().text


def test_one_in_production_already_is_not_judged_again(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(RIGHT)
    gate()
    outcome = gate()
    assert outcome.exit_code == 0
    assert "in production already" in outcome.text
    assert len(registry.verdicts(state.record.version)) == 1
    assert len(registry.history("production")) == 1


def test_refused_candidate_can_be_judged_again(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(BLIND_TO_RED)
    gate()
    assert gate(**LENIENT).exit_code == 0
    assert [verdict.passed for verdict in registry.verdicts(state.record.version)] == [False, True]


class TestNotPromoted:
    """GATE_PROMOTE=false: judged and signed, for a person or a roll-out to promote."""

    def test_production_is_left_as_it_is(
        self, publish: Publish, gate: Gate, registry: Registry
    ) -> None:
        first = publish(BLIND_TO_RED).record.version
        gate(**LENIENT)
        before = registry.current("production")
        version = publish(RIGHT).record.version
        outcome = gate(promote=False)
        assert outcome.exit_code == 0
        assert registry.current("production") == before
        assert outcome.lines[-1] == ("promote", f"python -m registry promote {version} --why ...")
        assert registry.examine(version, registry.evidence(version)).version == version
        evidence.require_compared(version, registry.evidence(version), first)
        promoted = registry.promote(version, before, "the canary was as good")
        assert not promoted.record.forced

    def test_a_refusal_is_one(self, publish: Publish, gate: Gate) -> None:
        publish(BLIND_TO_RED)
        outcome = gate(promote=False)
        assert outcome.exit_code == 1
        assert outcome.lines[0] == ("verdict", "REFUSED")
        assert "promote" not in dict(outcome.lines)

    def test_the_comparison_is_held(self, publish: Publish, gate: Gate, registry: Registry) -> None:
        version = publish(RIGHT).record.version
        gate(promote=False)
        other = publish(BETTER).record.version
        gate()
        with pytest.raises(NotPromotable, match=f"production holds {other} now"):
            evidence.require_compared(version, registry.evidence(version), other)

    def test_what_cannot_be_compared_is_what_it_replaces(
        self, publish: Publish, gate: Gate, registry: Registry, tmp_path: Path
    ) -> None:
        first = publish(RIGHT).record.version
        gate()
        other = paint(tmp_path / "other", {f"{name}ish": rgb for name, rgb in COLOURS.items()})
        version = publish(BETTER, classes=tuple(f"{name}ish" for name in COLOURS)).record.version
        assert gate(data=str(other), drop_classes=True, promote=False).exit_code == 0
        evidence.require_compared(version, registry.evidence(version), first)


def test_empty_testing_stage_is_named(gate: Gate) -> None:
    with pytest.raises(NoCandidate, match="testing stage"):
        gate()


def test_report_lies_in_the_registry_and_in_the_folder(
    publish: Publish, gate: Gate, settings: GateSettings, backend: MemoryBackend
) -> None:
    version = publish(RIGHT).record.version
    gate()
    names = [blob.name for blob in backend.list(f"versions/{version}/gate/")]
    assert sorted(name.rpartition("/")[2] for name in names) == [
        "report.html",
        "report.json",
        "verdict.json",
        "verdict.sig",
    ]
    document = json.loads((Path(settings.reports) / "report.json").read_bytes())
    assert document["verdict"]["version"] == version
    assert (Path(settings.reports) / "report.html").stat().st_size > 10_000


def test_a_folder_that_cannot_be_written_keeps_no_model_back(
    publish: Publish, gate: Gate, tmp_path: Path
) -> None:
    publish(RIGHT)
    (tmp_path / "file").touch()
    outcome = gate(reports=str(tmp_path / "file" / "reports"))
    assert outcome.exit_code == 0
    assert "versions/" in outcome.text


@pytest.mark.parametrize(
    ("changes", "check"),
    [({"max_size": 0.001}, "size"), ({"max_latency": 1e-6}, "latency")],
)
def test_budgets_are_held(
    publish: Publish, gate: Gate, registry: Registry, changes: dict[str, float], check: str
) -> None:
    state = publish(RIGHT)
    assert gate(**changes).exit_code == 1
    assert failed(last_verdict(registry, state)) == [check]


def test_nan_weights_are_refused(publish: Publish, gate: Gate, registry: Registry) -> None:
    state = publish(RIGHT * np.nan)
    assert gate().exit_code == 1
    verdict = last_verdict(registry, state)
    assert failed(verdict) == ["loads"]
    assert verdict.reasons[0].endswith("kernel holds a value that is not finite")
    assert in_production(registry) == ""


def test_finite_weights_that_overflow_are_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    import keras

    million = [keras.layers.Rescaling(1e6) for _ in range(7)]  # 1e42 is beyond single precision
    state = publish(model(RIGHT, before=million))
    assert gate().exit_code == 1
    verdict = last_verdict(registry, state)
    assert failed(verdict) == ["probabilities"]
    assert "accuracy" not in verdict.metrics
    assert in_production(registry) == ""


def test_outputs_that_are_no_probabilities_are_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(model(RIGHT, activation="linear"))
    assert gate().exit_code == 1
    assert failed(last_verdict(registry, state)) == ["probabilities"]


def test_answers_that_depend_on_the_batch_are_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    import keras

    state = publish(model(RIGHT, before=[keras.layers.UnitNormalization(axis=0)]))
    assert gate().exit_code == 1
    assert failed(last_verdict(registry, state)) == ["independent"]


@pytest.fixture
def publish_file(registry: Registry, publish: Publish) -> Publish:
    """Puts any file into testing, with a card that promises a good model."""

    def put(path: Path) -> StageState:
        card = registry.card(publish(RIGHT).record.version)
        version = hashlib.sha256(path.read_bytes()).hexdigest()
        return registry.publish(path, replace(card, version=version), "a test")

    return put


def test_code_in_a_model_is_refused(
    publish_file: Publish, gate: Gate, registry: Registry, tmp_path: Path
) -> None:
    import keras

    path = tmp_path / "lambda.hdf5"
    keras.Sequential([model(RIGHT), keras.layers.Lambda(lambda x: x)]).save(path)
    state = publish_file(path)
    assert gate().exit_code == 1
    verdict = last_verdict(registry, state)
    assert failed(verdict) == ["loads"]
    assert verdict.reasons[0].startswith("candidate/best_model.hdf5")


def test_file_that_is_no_model_is_refused(
    publish_file: Publish, gate: Gate, registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "text.hdf5"
    path.write_bytes(b"not HDF5")
    state = publish_file(path)
    assert gate().exit_code == 1
    verdict = last_verdict(registry, state)
    assert failed(verdict) == ["loads"]
    assert verdict.reasons == (
        "candidate/best_model.hdf5 must not be loaded: it is not an HDF5 file",
    )


def test_wrong_number_of_classes_is_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(RIGHT_WITH_GREY, classes=CLASSES)
    assert gate().exit_code == 1
    assert set(failed(last_verdict(registry, state))) <= {"loads", "card"}


@pytest.mark.parametrize(
    "example",
    [
        Golden.of(bytes(128 * 128 * 3), (0.9, 0.05, 0.05)),  # another model's
        Golden("AAAA", (0.2, 0.3, 0.5)),
        Golden("A", (0.2, 0.3, 0.5)),
    ],
)
def test_golden_image_that_is_not_repeated_is_refused(
    example: Golden, publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(RIGHT, golden=example)
    assert gate().exit_code == 1
    assert failed(last_verdict(registry, state)) == ["golden image"]


def test_card_of_other_images_is_refused(publish: Publish, gate: Gate, registry: Registry) -> None:
    state = publish(RIGHT, input_shape=(64, 64, 3))
    assert gate().exit_code == 1
    assert failed(last_verdict(registry, state)) == ["card"]


def test_images_of_other_classes_are_a_usage_error(
    publish: Publish,
    gate: Gate,
    registry: Registry,
    colours_and_grey: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = publish(RIGHT)
    with pytest.raises(ClassesDiffer, match="does not know 'grey'") as caught:
        gate(data=str(colours_and_grey))
    assert caught.value.exit_code == 2
    assert registry.verdicts(state.record.version) == []
    assert alerted(caplog) == []


def test_no_image_held_out_is_a_usage_error(publish: Publish, gate: Gate, tmp_path: Path) -> None:
    publish(RIGHT)
    few = paint(tmp_path / "few", COLOURS, per_class=1)
    with pytest.raises(NothingHeldOut, match="GATE_DATA"):
        gate(data=str(few))


def test_few_images_of_a_class_are_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(RIGHT)
    assert gate(min_per_class=1000).exit_code == 1
    assert failed(last_verdict(registry, state)) == ["held-out images"]


def test_other_data_than_in_training_is_said(
    publish: Publish, gate: Gate, registry: Registry, tmp_path: Path
) -> None:
    state = publish(RIGHT)
    more = paint(tmp_path / "more", COLOURS, per_class=70)
    assert gate(data=str(more)).exit_code == 0
    verdict = last_verdict(registry, state)
    assert "other data" in next(c.sentence for c in verdict.checks if c.name == "data")
    assert verdict.data_fingerprint != registry.card(state.record.version).data.fingerprint


def test_a_class_can_be_added(
    publish: Publish, gate: Gate, registry: Registry, colours_and_grey: Path
) -> None:
    publish(RIGHT)
    gate()
    state = publish(RIGHT_WITH_GREY, classes=("blue", "green", "grey", "red"))
    assert gate(data=str(colours_and_grey)).exit_code == 0
    verdict = last_verdict(registry, state)
    compared = verdict.metrics["comparison"]
    grey = verdict.metrics["per_class"]["grey"]["images"]
    assert compared["images"] == verdict.metrics["images"] - grey
    assert (compared["won"], compared["lost"]) == (0, 0)


def test_a_class_is_lost_only_if_meant(
    publish: Publish, gate: Gate, registry: Registry, colours_and_grey: Path
) -> None:
    publish(RIGHT_WITH_GREY, classes=("blue", "green", "grey", "red"))
    gate(data=str(colours_and_grey))
    state = publish(RIGHT)
    assert gate().exit_code == 1
    assert failed(last_verdict(registry, state)) == ["classes"]
    assert gate(drop_classes=True).exit_code == 0
    assert in_production(registry) == state.record.version


def test_all_classes_can_be_exchanged_if_meant(
    publish: Publish, gate: Gate, registry: Registry, tmp_path: Path
) -> None:
    publish(RIGHT)
    gate()
    other = paint(tmp_path / "other", {f"{name}ish": rgb for name, rgb in COLOURS.items()})
    state = publish(BETTER, classes=tuple(f"{name}ish" for name in COLOURS))
    assert gate(data=str(other)).exit_code == 1
    assert gate(data=str(other), drop_classes=True).exit_code == 0
    assert last_verdict(registry, state).metrics["comparison"] is None


class Interrupted(MemoryBackend):
    """A back end where something happens once, just before a verdict is written."""

    def __init__(self) -> None:
        super().__init__()
        self.event: Callable[[], object] = lambda: None

    def create(self, name: str, source: BinaryIO) -> Blob:
        if name.endswith("report.html"):
            event, self.event = self.event, lambda: None
            event()
        return super().create(name, source)


class TestOvertaken:
    """Someone else changes production between comparison and promotion."""

    @pytest.fixture
    def backend(self) -> Interrupted:
        return Interrupted()

    @pytest.mark.parametrize("first", [True, False])
    def test_winner_stays(
        self,
        first: bool,
        publish: Publish,
        gate: Gate,
        registry: Registry,
        backend: Interrupted,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        winner = publish(BLIND).record.version
        if not first:
            publish(RIGHT * 0.9)
            gate()
        state = publish(RIGHT)
        other = Registry(backend, "somebody else", trust=trust())
        before = registry.current("production")
        backend.event = lambda: other.promote(winner, before, "in a hurry", force=True)
        with pytest.raises(Overtaken, match="somebody else") as caught:
            gate()
        assert caught.value.exit_code == 1
        assert "run the gate again" in str(caught.value)
        assert in_production(registry) == winner
        assert last_verdict(registry, state).passed
        assert "somebody else" in alerted(caplog)[0]


class Silent(MemoryBackend):
    """A back end that stops answering at the first change of production."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    def replace_if(self, name: str, *args: Any) -> Blob:
        if name.startswith("production/"):
            self.away = True
            raise Unreachable("the registry did not answer")
        return super().replace_if(name, *args)

    def stat(self, name: str) -> Blob | None:
        if self.away:
            raise Unreachable("the registry did not answer")
        return super().stat(name)


class TestOutcomeUnknown:
    """The registry goes away while the gate promotes."""

    @pytest.fixture
    def backend(self) -> Silent:
        return Silent()

    def test_it_is_said(
        self, publish: Publish, gate: Gate, caplog: pytest.LogCaptureFixture
    ) -> None:
        publish(RIGHT)
        with pytest.raises(OutcomeUnknown, match="not known"):
            gate()
        assert "not known" in alerted(caplog)[0]


class TestDamage:
    """Files of a registry in a folder, altered by hand."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> LocalBackend:
        return LocalBackend(tmp_path / "registry")

    def truncate(self, path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-100])

    def test_truncated_candidate_is_refused(
        self,
        publish: Publish,
        gate: Gate,
        registry: Registry,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        publish(RIGHT)
        gate()
        before = registry.current("production")
        state = publish(BETTER)
        self.truncate(tmp_path / "registry" / "testing" / "best_model.hdf5")
        assert gate().exit_code == 1
        verdict = last_verdict(registry, state)
        assert failed(verdict) == ["intact"]
        assert "testing/best_model.hdf5" in verdict.reasons[0]
        assert registry.current("production") == before
        assert len(alerted(caplog)) == 1

    def test_damaged_candidate_in_production_is_no_success(
        self,
        publish: Publish,
        gate: Gate,
        registry: Registry,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        version = publish(RIGHT).record.version
        gate()
        self.truncate(tmp_path / "registry" / "production" / "best_model.hdf5")
        with pytest.raises(NotIntact, match=r"production/best_model\.hdf5") as caught:
            gate()
        assert caught.value.exit_code == 1
        assert f"registry rollback --to {version[:12]}" in str(caught.value)
        assert "PRODUCTION IS BROKEN" in alerted(caplog)[-1]
        registry.rollback("as the gate said", to=version)
        assert "in production already" in gate().text
        assert registry.verify() == []

    def test_altered_version_is_not_promoted(
        self, publish: Publish, gate: Gate, registry: Registry, tmp_path: Path
    ) -> None:
        version = publish(RIGHT).record.version
        file = tmp_path / "registry" / "versions" / version / "best_model.hdf5"
        file.chmod(0o644)
        self.truncate(file)
        with pytest.raises(Corrupt, match=version):
            gate()
        assert in_production(registry) == ""

    def test_broken_production_is_replaced_only_if_told_to(
        self,
        publish: Publish,
        gate: Gate,
        registry: Registry,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        broken = publish(BLIND_TO_RED).record.version
        gate(**LENIENT)
        self.truncate(tmp_path / "registry" / "production" / "best_model.hdf5")
        state = publish(RIGHT)
        assert gate().exit_code == 1
        assert in_production(registry) == broken
        assert failed(last_verdict(registry, state)) == ["non-inferiority"]
        assert "PRODUCTION IS BROKEN" in alerted(caplog)[-1]
        assert gate(replace_broken=True).exit_code == 0
        assert in_production(registry) == state.record.version
        sentence = last_verdict(registry, state).checks[-1].sentence
        assert "PRODUCTION IS BROKEN" in sentence
        assert "truncated" in sentence or "cut short" in sentence


class TestUntrusted:
    """Production written by hand, or by somebody with another key."""

    def replace_record(self, backend: MemoryBackend, metadata: dict[str, str]) -> None:
        blob = backend.stat("production/best_model.hdf5")
        assert blob
        backend.replace_if(blob.name, blob, {**blob.metadata, **metadata}, blob.generation)

    @pytest.mark.parametrize(
        ("metadata", "reason"),
        [
            ({"signature": ""}, "it is not signed"),
            ({"why": "because"}, "it is not what was signed"),
            ({"version": "x"}, "no valid record (version)"),
        ],
    )
    def test_it_is_replaced_only_if_told_to(
        self,
        publish: Publish,
        gate: Gate,
        registry: Registry,
        backend: MemoryBackend,
        metadata: dict[str, str],
        reason: str,
    ) -> None:
        publish(BLIND_TO_RED)
        gate(**LENIENT)
        self.replace_record(backend, metadata)
        state = publish(RIGHT)
        assert gate().exit_code == 1
        [sentence] = last_verdict(registry, state).reasons
        assert "PRODUCTION IS BROKEN" in sentence
        assert reason in sentence
        assert "GATE_REPLACE_BROKEN" in sentence
        assert gate(replace_broken=True).exit_code == 0
        production = registry.current("production")
        assert production
        assert (production.record.version, production.record.sequence) == (state.record.version, 2)
        assert registry.verify() == []

    def test_a_rollback_repairs_it(
        self, publish: Publish, gate: Gate, registry: Registry, backend: MemoryBackend
    ) -> None:
        first = publish(BLIND_TO_RED).record.version
        gate(**LENIENT)
        self.replace_record(backend, {"signature": ""})
        registry.rollback("somebody wrote to production")
        publish(RIGHT)
        assert in_production(registry) == first
        assert gate().exit_code == 0

    def test_the_verdict_is_signed(
        self, publish: Publish, gate: Gate, registry: Registry, backend: MemoryBackend
    ) -> None:
        version = publish(RIGHT).record.version
        gate()
        [verdict] = registry.verdicts(version)
        prefix = f"versions/{version}/gate/{verdict.id}"
        signed, judged = (backend.stat(f"{prefix}/verdict.{end}") for end in ("sig", "json"))
        assert signed
        assert judged
        assert signed.generation < judged.generation
        assert registry.examine(version, registry.evidence(version)).version == version


def test_a_model_that_is_surer_than_right_is_refused(
    publish: Publish, gate: Gate, registry: Registry
) -> None:
    state = publish(BLIND_TO_RED, temperature=2.5, threshold=0.5)
    assert gate(**LENIENT | {"max_ece": 0.02}).exit_code == 1
    verdict = last_verdict(registry, state)
    assert failed(verdict) == ["calibration"]
    assert "surer than it is right" in verdict.reasons[0]
    found = verdict.metrics["calibration"]
    assert found["ece"] > found["chance"] + 0.05
    assert (found["temperature"], found["threshold"]) == (2.5, 0.5)


def test_a_copy_of_a_held_out_image_does_not_count(
    publish: Publish, gate: Gate, registry: Registry, colours: Path, tmp_path: Path
) -> None:
    state = publish(RIGHT)
    assert gate().exit_code == 0
    folder = shutil.copytree(colours, tmp_path / "copied")
    for path in sorted(colours.rglob("*.png")):
        for number in range(3):
            shutil.copy(path, folder / path.parent.name / f"{path.stem}-{number}.png")
    other = publish(BETTER)
    assert gate(data=str(folder)).exit_code == 0
    first, second = (last_verdict(registry, each) for each in (state, other))
    images = first.metrics["images"]
    assert second.metrics["images"] == second.metrics["comparison"]["images"] == images
    [sentence] = [check.sentence for check in second.checks if check.name == "data"]
    assert f"{3 * images} held-out images repeat another one" in sentence


class TestDamagedImages:
    """Colours stay what they are under most corruptions."""

    def test_a_sturdy_model_passes_beside_production(
        self, publish: Publish, gate: Gate, registry: Registry
    ) -> None:
        publish(BLIND_TO_RED)
        gate(**LENIENT)
        state = publish(RIGHT)
        assert gate(robustness_images=6).exit_code == 0
        metrics = last_verdict(registry, state).metrics
        table, summary = metrics["robustness"], metrics["robustness_summary"]
        assert len(table) >= 8
        assert all(row.keys() == {"1", "3", "5"} for row in table.values())
        assert summary["images"] == 6
        assert summary["mean"]["value"] > summary["production"]["mean"]["value"]

    def test_one_that_mostly_errs_is_refused(
        self, publish: Publish, gate: Gate, registry: Registry
    ) -> None:
        state = publish(-RIGHT)
        lenient = LENIENT | {"min_accuracy": 0}
        assert gate(robustness_images=12, **lenient).exit_code == 1
        verdict = last_verdict(registry, state)
        assert failed(verdict) == ["robustness"]
        assert "worst is" in verdict.reasons[0]
        assert "GATE_MIN_ROBUSTNESS" in verdict.reasons[0]


class TestSlices:
    """A file that says which images belong together."""

    @pytest.fixture
    def file(self, colours: Path, tmp_path: Path) -> Path:
        rows = [
            f"{path.relative_to(colours)},{path.parent.name}ish"
            for path in sorted(colours.rglob("*.png"))
        ]
        file = tmp_path / "slices.csv"
        file.write_text("\n".join(["path,slice", *rows, "red/1.png,<b>one</b>", ""]))
        return file

    def test_a_slice_that_is_mostly_wrong_is_refused(
        self, publish: Publish, gate: Gate, registry: Registry, file: Path
    ) -> None:
        publish(RIGHT)
        assert gate(slices=str(file)).exit_code == 0
        state = publish(BLIND_TO_RED)
        gate(slices=str(file), margin=0.9, **LENIENT)
        verdict = last_verdict(registry, state)
        assert failed(verdict) == ["slices"]
        assert "'redish'" in verdict.reasons[0]
        assert "'blueish'" not in verdict.reasons[0]
        assert "GATE_MIN_SLICE_ACCURACY" in verdict.reasons[0]
        assert "too few held-out images to tell of '<b>one</b>'" in verdict.reasons[0]
        found = verdict.metrics["slices"]["redish"]
        assert (found["accuracy"]["value"], found["production"]["value"]) == (0, 1)
        assert found["images"] == verdict.metrics["per_class"]["red"]["images"]

    def test_a_wrong_file_is_a_usage_error(
        self, publish: Publish, gate: Gate, registry: Registry, file: Path
    ) -> None:
        state = publish(RIGHT)
        file.write_text("path,slice\nred/nowhere.png,dark\n")
        with pytest.raises(WrongSlices, match=r"line 2: 'red/nowhere\.png'") as caught:
            gate(slices=str(file))
        assert caught.value.exit_code == 2
        assert registry.verdicts(state.record.version) == []


def test_logs_are_quiet_on_the_way_to_a_promotion(
    publish: Publish, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    publish(RIGHT)
    caplog.clear()
    gate()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []

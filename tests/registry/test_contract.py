"""The rules of the registry, on every back end."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from registry import document
from registry.backend import Backend
from registry.errors import (
    AlreadyThere,
    CardDiffers,
    Conflict,
    Corrupt,
    NotFound,
    NotPromotable,
    OutcomeUnknown,
    Unwritable,
)
from registry.record import StageRecord, StageState
from registry.store import Registry
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, approved, card, in_production, promoted, verdict
from tests.registry.watched import Watched, When

Samples = Callable[[int], list[Sample]]


def test_publishing_puts_a_version_into_testing(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    state = registry.publish(one.path, one.card, "a  new\nmodel")
    assert registry.current("testing") == state
    record = state.record
    assert (record.version, record.previous, record.sequence) == (one.version, "", 1)
    assert (record.action, record.who, record.why) == ("publish", "tester@host", "a new model")
    assert registry.versions() == [one.version]
    assert registry.card(one.version) == one.card
    assert registry.history("testing") == [record]
    assert registry.current("production") is None
    assert registry.verify() == []


def test_publishing_twice_keeps_the_first_card(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "once")
    state = registry.publish(one.path, replace(one.card, code_revision="other"), "twice")
    assert registry.card(one.version) == one.card
    assert state.record.sequence == 2
    assert registry.verify() == []


@pytest.mark.parametrize("other", [{"threshold": 0.75}, {"classes": ("☂ & <b>", "circle")}])
def test_a_version_is_not_published_again_with_a_card_of_other_answers(
    registry: Registry, samples: Samples, other: dict[str, Any]
) -> None:
    [one] = samples(1)
    state = registry.publish(one.path, one.card, "once")
    with pytest.raises(CardDiffers, match=rf"with {next(iter(other))} .*, and not "):
        registry.publish(one.path, replace(one.card, **other), "twice")
    assert registry.card(one.version) == one.card
    assert registry.current("testing") == state


def test_publishing_needs_the_card_of_the_file(registry: Registry, samples: Samples) -> None:
    one, two = samples(2)
    with pytest.raises(Corrupt, match="model-0"):
        registry.publish(one.path, two.card, "mixed up")
    assert registry.versions() == []
    assert registry.current("testing") is None


def test_many_publish_at_once(registry: Registry, samples: Samples) -> None:
    models = samples(6)
    with ThreadPoolExecutor(len(models)) as pool:
        states = list(pool.map(lambda one: registry.publish(one.path, one.card, "mine"), models))
    assert sorted(state.record.sequence for state in states) == [1, 2, 3, 4, 5, 6]
    assert set(registry.versions()) == {one.version for one in models}
    assert registry.verify() == []


def test_versions_are_listed_in_the_order_of_publishing(
    registry: Registry, samples: Samples
) -> None:
    models = samples(4)
    for one in models:
        registry.publish(one.path, one.card, "new")
    assert registry.versions() == [one.version for one in models]


def test_an_unknown_version_is_not_found(registry: Registry, tmp_path: Path) -> None:
    for unknown in ("0" * 64, "latest", "../../etc"):
        with pytest.raises(NotFound):
            registry.card(unknown)
        with pytest.raises(NotFound):
            registry.promote(unknown, None, "why not", force=True)
        with pytest.raises(NotFound):
            registry.fetch(unknown, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_verdicts_are_kept_beside_their_version(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    with pytest.raises(NotFound):
        registry.add_verdict(verdict(registry, one.version), {})
    registry.publish(one.path, one.card, "new")
    assert registry.verdicts(one.version) == []
    first, second = (verdict(registry, one.version, passed) for passed in (False, True))
    assert registry.add_verdict(first, {"report.html": b"<p>"}).endswith(f"gate/{first.id}/")
    registry.add_verdict(second, {})
    registry.add_verdict(first, {"report.html": b"<p>"})  # as after a lost answer
    assert registry.verdicts(one.version) == [first, second]
    with pytest.raises(Corrupt, match=first.id):
        registry.add_verdict(replace(first, passed=True), {"report.html": b"<p>"})


def test_promotion_needs_the_latest_verdict_to_pass(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "new")
    with pytest.raises(NotPromotable, match="no verdict"):
        registry.promote(one.version, None, "hurry")
    registry.add_verdict(verdict(registry, one.version), {})
    registry.add_verdict(verdict(registry, one.version, passed=False), {})
    with pytest.raises(NotPromotable, match=r"accuracy is 0\.97"):
        registry.promote(one.version, None, "hurry")
    assert registry.current("production") is None
    state = registry.promote(one.version, None, "hurry", force=True)
    assert "forced" in state.record.why
    assert registry.current("production") == state


def test_promotion_is_recorded(registry: Registry, samples: Samples) -> None:
    one, two = samples(2)
    first = promoted(registry, one)
    second = promoted(registry, two)
    assert registry.current("production") == second
    assert (second.record.previous, second.record.sequence) == (one.version, 2)
    assert registry.history("production") == [second.record, first.record]
    assert second.record.operation != first.record.operation
    assert registry.verify() == []


def test_promotion_against_anything_else_is_a_conflict(
    registry: Registry, samples: Samples
) -> None:
    one, two, three = samples(3)
    first = promoted(registry, one)
    second = promoted(registry, two)
    version = approved(registry, three)
    for against in (None, first):
        with pytest.raises(Conflict, match="tester@host") as lost:
            registry.promote(version, against, "late")
        assert lost.value.winner == second.record
    assert registry.current("production") == second
    assert registry.verify() == []


def test_of_many_promotions_exactly_one_wins(registry: Registry, samples: Samples) -> None:
    models = samples(7)
    against = promoted(registry, models[0])
    versions = [approved(registry, one) for one in models[1:]]
    barrier = threading.Barrier(len(versions))

    def promote(version: str) -> StageState | Conflict:
        barrier.wait()
        try:
            return registry.promote(version, against, "mine")
        except Conflict as lost:
            return lost

    with ThreadPoolExecutor(len(versions)) as pool:
        outcomes = list(pool.map(promote, versions))
    [winner] = [each for each in outcomes if isinstance(each, StageState)]
    assert registry.current("production") == winner
    losers = [each for each in outcomes if isinstance(each, Conflict)]
    assert [lost.winner for lost in losers] == [winner.record] * (len(versions) - 1)
    assert registry.verify() == []


def test_two_rollbacks_go_back_two_steps(registry: Registry, samples: Samples) -> None:
    one, two, three = samples(3)
    for each in (one, two, three):
        promoted(registry, each)
    state = registry.rollback("it is bad")
    assert (state.record.version, state.record.action) == (two.version, "rollback")
    assert registry.rollback("so is that one").record.version == one.version
    with pytest.raises(NotFound, match="nothing to roll back to"):
        registry.rollback("and that one")
    assert in_production(registry) == one.version
    assert [record.sequence for record in registry.history("production")] == [5, 4, 3, 2, 1]
    assert registry.verify() == []


def test_rolling_back_to_a_named_version(registry: Registry, samples: Samples) -> None:
    one, two, three, never = samples(4)
    for each in (one, two, three):
        promoted(registry, each)
    approved(registry, never)
    assert registry.rollback("far", to=one.version).record.version == one.version
    assert registry.rollback("and forth", to=three.version).record.version == three.version
    with pytest.raises(NotFound, match="never was in production"):
        registry.rollback("no", to=never.version)
    assert in_production(registry) == three.version


def test_a_rollback_reads_no_more_of_the_log_than_it_takes(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    models = samples(2)
    calls: Counter[str] = Counter()
    counting = Watched(backend, lambda when, operation: calls.update([f"{when} {operation}"]))
    counted = Registry(counting, "tester@host", trust=trust())
    used = []
    for _ in range(2):
        for each in models * 3:
            promoted(registry, each)
        calls.clear()
        assert counted.rollback("bad").record.version == models[0].version
        used.append(calls.copy())
    assert used[0] == used[1]


def test_rolling_back_to_what_is_in_production_is_refused(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    state = promoted(registry, one)
    with pytest.raises(AlreadyThere, match=f"{one.version} is in production already"):
        registry.rollback("again", to=one.version)
    assert registry.current("production") == state
    registry.publish(two.path, two.card, "new")
    other = backend.stat(f"versions/{two.version}/best_model.hdf5")
    assert other
    backend.replace_if(
        "production/best_model.hdf5", other, state.record.to_metadata(), state.generation
    )
    assert registry.rollback("repair", to=one.version).record.sequence == 2
    assert registry.verify() == []


def test_an_empty_production_cannot_be_rolled_back(registry: Registry) -> None:
    with pytest.raises(NotFound, match="nothing to roll back to"):
        registry.rollback("why not")


def test_a_missing_stage_is_empty(registry: Registry) -> None:
    for stage in ("testing", "production"):
        assert registry.current(stage) is None
        assert registry.history(stage) == []
    assert registry.versions() == []
    assert registry.verify() == []


def test_fetching_a_version_and_a_stage(
    registry: Registry, samples: Samples, tmp_path: Path
) -> None:
    one, two = samples(2)
    first = promoted(registry, one)
    target = tmp_path / "cache" / "model"
    assert registry.fetch(first, target) == target
    assert target.read_bytes() == one.content
    second = promoted(registry, two)
    with pytest.raises(NotFound, match="replaced"):
        registry.fetch(first, target)
    assert registry.fetch(second, target).read_bytes() == two.content
    assert registry.fetch(one.version, target).read_bytes() == one.content
    assert list(target.parent.iterdir()) == [target]


def test_what_killed_processes_left_beside_a_target_is_removed_and_nothing_else(
    backend: Backend, registry: Registry, samples: Samples, tmp_path: Path
) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "new")
    target = tmp_path / "cache" / "model[1].hdf5"
    target.parent.mkdir()
    left = target.with_name(f".{target.name}.0123456789abcdef.part")
    left.write_bytes(b"half")
    others = [target.with_name(".model1.hdf5.0.part"), target.with_name("model[1].hdf5.part")]
    for each in others:
        each.write_bytes(b"of somebody else")
    seen: list[set[Path]] = []

    def fetch_another(when: When, operation: str) -> None:
        if (when, operation) == ("before", "read"):
            seen.append(set(target.parent.iterdir()))
            registry.fetch(one.version, target)

    slow = Registry(Watched(backend, fetch_another), "", trust=trust())
    assert slow.fetch(one.version, target).read_bytes() == one.content
    assert len(seen) == 1
    assert left not in seen[0]
    assert set(target.parent.iterdir()) == {target, *others}


def planted(backend: Backend, one: Sample, content: bytes, promote: bool = False) -> None:
    """Write a version whose file is not what its name says, and put it into production."""
    path = one.path.with_name("altered")
    path.write_bytes(content)
    with path.open("rb") as file:
        blob = backend.create(f"versions/{one.version}/best_model.hdf5", file)
    if promote:
        record = StageRecord("production", one.version, "", 1, "1", "promote", "x", "2026", "x")
        metadata = trust().sign_record(record).to_metadata()
        backend.replace_if("production/best_model.hdf5", blob, metadata, 0)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"X" + data[1:]])
def test_a_damaged_model_is_refused(
    backend: Backend,
    registry: Registry,
    samples: Samples,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    [one] = samples(1)
    planted(backend, one, damage(one.content), promote=True)
    name = f"versions/{one.version}/best_model.hdf5"
    target = tmp_path / "cache" / "model"
    with pytest.raises(Corrupt, match=name):
        registry.fetch(one.version, target)
    state = registry.current("production")
    assert state
    with pytest.raises(Corrupt, match=r"production/best_model\.hdf5"):
        registry.fetch(state, target)
    assert list(target.parent.iterdir()) == []
    with pytest.raises(Corrupt, match=name):
        registry.publish(one.path, one.card, "again")
    with pytest.raises(Corrupt, match=name):
        registry.promote(one.version, state, "so what", force=True)
    assert registry.current("production") == state
    assert registry.current("testing") is None


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"version": "0" * 64},
        {"stage": "testing"},
        {"version": "0" * 63},
        {"sequence": "0"},
        {"sequence": "one"},
        {"action": "edit"},
        {"previous": "x"},
    ],
)
def test_a_stage_without_a_valid_record_is_refused_and_can_be_rolled_back(
    backend: Backend, registry: Registry, samples: Samples, metadata: dict[str, str]
) -> None:
    one, two = samples(2)
    promoted(registry, one)
    state = promoted(registry, two)
    if metadata.keys() - {"version"} or len(metadata.get("version", "")) == 63:
        metadata = state.record.to_metadata() | metadata
    source = backend.stat(f"versions/{one.version}/best_model.hdf5")
    assert source
    backend.replace_if("production/best_model.hdf5", source, metadata, state.generation)
    with pytest.raises(Corrupt, match=r"production/best_model\.hdf5"):
        registry.current("production")
    assert any("production/best_model.hdf5" in each for each in registry.verify())
    assert any("production/best_model.hdf5" in each for each in registry.doctor().problems)
    with pytest.raises(OutcomeUnknown):
        registry.promote(one.version, state, "blind to it")
    restored = registry.rollback("somebody wrote to production")
    assert restored.record.version == two.version
    assert restored.record.sequence == 3
    assert registry.verify() == []


def test_a_testing_stage_written_by_hand_is_published_over(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    state = registry.publish(one.path, one.card, "new")
    source = backend.stat("testing/best_model.hdf5")
    assert source
    backend.replace_if("testing/best_model.hdf5", source, {}, state.generation)
    assert registry.publish(two.path, two.card, "newer").record.sequence == 2
    assert registry.verify() == []


def test_verify_names_everything_that_is_damaged_or_missing(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two, three = samples(3)
    planted(backend, one, one.content[:-1])
    with two.path.open("rb") as file:
        backend.create(f"versions/{two.version}/best_model.hdf5", file)
    registry.publish(three.path, three.card, "fine")
    wrong = three.path.with_name("wrong.json")
    for name, text in {
        f"versions/{one.version}/card.json": json.dumps({"version": one.version}),
        f"versions/{three.version}/gate/1/verdict.json": "{",
        "production/log/00000001.json": "{}",
        "testing/log/00000003.json": "{}",
    }.items():
        wrong.write_text(text)
        with wrong.open("rb") as file:
            backend.create(name, file)
    problems = "\n".join(registry.verify())
    for damaged in (
        f"versions/{one.version}/best_model.hdf5 was altered or cut short",
        f"versions/{one.version}/card.json is not a valid Card",
        f"no version {two.version}",
        f"versions/{three.version}/gate/1/verdict.json is not a valid Verdict",
        "production/log/00000001.json is not a valid StageRecord",
        "testing/log/00000003.json is not a valid StageRecord",
    ):
        assert damaged in problems
    assert registry.versions() == [one.version, three.version]


def test_a_card_of_another_version_is_refused(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    registry.publish(one.path, one.card, "new")
    path = two.path.with_name("card.json")
    path.write_bytes(document.encode(card(one.version)))
    with path.open("rb") as file:
        backend.create(f"versions/{two.version}/card.json", file)
    with pytest.raises(Corrupt, match=f"is the card of {one.version}"):
        registry.card(two.version)


def test_a_target_that_cannot_be_written_is_named(
    registry: Registry, samples: Samples, tmp_path: Path
) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "new")
    (tmp_path / "file").write_text("")
    with pytest.raises(Unwritable, match=f"{tmp_path}/file/model cannot be written"):
        registry.fetch(one.version, tmp_path / "file" / "model")
    (tmp_path / "model").mkdir()
    with pytest.raises(Unwritable, match=f"{tmp_path}/model cannot be written"):
        registry.fetch(one.version, tmp_path / "model")
    assert not list(tmp_path.glob(".model*"))

"""What nobody with the key has signed is not served, whatever lies in the registry or the cache."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from registry.card import Card
from registry.errors import Unreachable
from registry.names import stage, verdict
from registry.record import StageState
from registry.store import Registry
from tests.api.bench import Bench
from tests.registry.keyrings import trust

Model = tuple[Path, Card]
Promote = Callable[[Registry, Model], StageState]

PRODUCTION = stage("production")


def put(bench: Bench, metadata: Mapping[str, str], version: str = "") -> None:
    """Write to production as anybody can who may write to the registry."""
    blob = bench.backend.stat(PRODUCTION)
    source = bench.backend.stat(f"versions/{version}/best_model.hdf5") if version else blob
    assert blob
    assert source
    bench.backend.replace_if(PRODUCTION, source, metadata, blob.generation)


def subjects(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.alert_subject for each in caplog.records if hasattr(each, "alert_subject")]


@pytest.fixture
def serving(bench: Bench, models: tuple[Model, Model], promote: Promote) -> StageState:
    """The second of two promotions, which serves."""
    for model in models:
        state = promote(bench.registry, model)
        bench.refresher.look()
    return state


Forge = Callable[[Bench, StageState, str], Mapping[str, str]]


def signed_by_another(bench: Bench, state: StageState, version: str) -> Mapping[str, str]:
    record = replace(state.record, version=version, sequence=3)
    return trust(7).sign_record(record).to_metadata()


FORGERIES: dict[str, tuple[str, Forge]] = {
    "by hand": ("no valid record", lambda *_: {}),
    "unsigned": (
        "not trusted (unsigned)",
        lambda bench, state, version: replace(
            state.record, version=version, sequence=3, signature=""
        ).to_metadata(),
    ),
    "another key": ("not trusted (signed by another key)", signed_by_another),
    "altered": (
        "not trusted (altered)",
        lambda bench, state, version: replace(state.record, version=version).to_metadata(),
    ),
    "replayed": (
        "not trusted (replayed)",
        lambda bench, state, version: bench.registry.history("production")[1].to_metadata(),
    ),
}


@pytest.mark.parametrize(("reason", "forge"), FORGERIES.values(), ids=list(FORGERIES))
@pytest.mark.parametrize("restarted", [False, True])
def test_a_forgery_is_refused_with_the_reason_and_the_old_model_goes_on(
    bench: Bench,
    serving: StageState,
    models: tuple[Model, Model],
    caplog: pytest.LogCaptureFixture,
    reason: str,
    forge: Forge,
    restarted: bool,
) -> None:
    version = models[0][1].version
    put(bench, forge(bench, serving, version), version)
    caplog.clear()
    if restarted:
        bench.start()
    bench.refresher.look()
    assert bench.holder.require().record == serving.record
    assert reason in bench.holder.problem
    [subject] = subjects(caplog)
    assert bench.holder.problem.startswith(subject)

    restored = bench.registry.rollback("somebody wrote to production")
    bench.refresher.look()
    assert bench.holder.require().record == restored.record
    assert bench.holder.problem == ""


@pytest.mark.parametrize("name", ["unsigned", "another key", "altered"])
def test_ready_says_why_nothing_serves(
    bench: Bench, models: tuple[Model, Model], promote: Promote, name: str
) -> None:
    state = promote(bench.registry, models[0])
    reason, forge = FORGERIES[name]
    put(bench, forge(bench, state, models[1][1].version))
    bench.refresher.look()
    assert bench.serving == ""
    with pytest.raises(Exception, match=name) as refused:
        bench.holder.check_ready()
    assert reason in str(refused.value)


def test_a_record_of_a_number_that_has_served_is_a_replay(
    bench: Bench, serving: StageState
) -> None:
    """Of two that were signed for the same place in the sequence one has lost."""
    loser = trust().sign_record(replace(serving.record, operation="lost", signature=""))
    put(bench, loser.to_metadata())
    bench.refresher.look()
    assert "(replayed)" in bench.holder.problem
    assert bench.holder.require().record == serving.record


def test_a_registry_begun_anew_needs_an_empty_cache(
    bench: Bench, serving: StageState, models: tuple[Model, Model], promote: Promote
) -> None:
    bench.backend.empty()
    promote(bench.registry, models[0])
    bench.refresher.look()
    assert "MODEL_CACHE" in bench.holder.problem
    bench.cache = bench.cache.with_name("another")
    bench.start()
    bench.refresher.look()
    assert bench.serving == models[0][1].version


def test_the_same_version_promoted_again_must_be_vouched_for_as_well(
    bench: Bench, serving: StageState, models: tuple[Model, Model], promote: Promote
) -> None:
    again = promote(bench.registry, models[1])
    name = verdict(again.record.version, again.record.verdict)
    overwrite(bench, name, b"{}")
    bench.refresher.look()
    assert name in bench.holder.problem
    assert bench.holder.require().record == serving.record


def overwrite(bench: Bench, name: str, content: bytes) -> None:
    bench.backend.overwrite(name, content)


@pytest.mark.parametrize("document", ["card.json", "verdict.json"])
def test_a_document_edited_beside_its_version_is_refused(
    bench: Bench,
    serving: StageState,
    make_model: Callable[..., Path],
    make_card: Callable[..., Card],
    promote: Promote,
    document: str,
) -> None:
    path = make_model(5)
    state = promote(bench.registry, (path, make_card(path)))
    prefix = f"versions/{state.record.version}"
    name = {
        "card.json": f"{prefix}/card.json",
        "verdict.json": f"{prefix}/gate/{state.record.verdict}/verdict.json",
    }[document]
    overwrite(bench, name, bench.backend.content(name).replace(b"2026", b"2025"))
    bench.refresher.look()
    assert f"{name} is not trusted" in bench.holder.problem
    assert bench.holder.require().record == serving.record


def test_what_is_cached_is_verified_by_its_signature(
    bench: Bench, serving: StageState, models: tuple[Model, Model]
) -> None:
    evidence = bench.cache / serving.record.version / "evidence.json"
    for path, old, new in (
        (bench.cache / "last_served.json", b'"why": "a test"', b'"why": "another"'),
        (evidence, b"circle", b"square"),
    ):
        genuine = path.read_bytes()
        assert old in genuine
        path.write_bytes(genuine.replace(old, new))
        bench.backend.error = Unreachable("no route")
        bench.start()
        bench.refresher.look()
        assert bench.serving == ""
        path.write_bytes(genuine)
        bench.start()
        bench.refresher.look()
        assert bench.holder.require().record == serving.record


def test_a_key_that_is_exchanged_refuses_the_cache_as_well(
    bench: Bench, serving: StageState
) -> None:
    bench.registry = Registry(bench.backend, "tester", trust=trust(7))
    bench.start()
    bench.refresher.look()
    assert bench.serving == ""
    assert "(signed by another key)" in bench.holder.problem


def test_a_pinned_version_needs_a_signed_passing_verdict(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    path, card = models[0]
    bench.registry.publish(path, card, "not judged yet")
    bench.registry.promote(card.version, None, "hurry", force=True)
    bench.start(version=card.version)
    bench.refresher.look()
    assert bench.serving == ""
    assert "has no verdict of the gate" in bench.holder.problem

    state = promote(bench.registry, models[0])
    prefix = f"versions/{card.version}/gate/{state.record.verdict}"
    signature = bench.backend.content(f"{prefix}/verdict.sig")
    for wrong, reason in ((b"", "not signed"), (signature + b"\n", "not what was signed")):
        overwrite(bench, f"{prefix}/verdict.sig", wrong)
        bench.start(version=card.version)
        bench.refresher.look()
        assert bench.serving == ""
        assert reason in bench.holder.problem
    overwrite(bench, f"{prefix}/verdict.sig", signature)
    bench.start(version=card.version)
    bench.refresher.look()
    assert bench.serving == card.version

    bench.backend.error = Unreachable("no route")
    bench.start(version=card.version)
    bench.refresher.look()
    assert bench.serving == card.version, "what was kept is evidence too"

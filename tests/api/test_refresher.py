"""What serves after each look, on a real registry in memory and with real models."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from api.loading import load_checked
from api.source import Obtained, Wanted
from classifier.runtime import Classifier
from process.backoff import Backoff
from registry.card import Card
from registry.errors import Forbidden, RegistryError, Unreachable
from registry.record import StageState
from registry.store import Registry
from tests.api.bench import SECONDS, Bench
from tests.light_versions import constant, put

Model = tuple[Path, Card]
Promote = Callable[[Registry, Model], StageState]


def alerts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.alert_key for record in caplog.records if hasattr(record, "alert_key")]


def test_an_empty_registry_is_asked_again_with_back_off_until_a_model_appears(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    caplog: pytest.LogCaptureFixture,
) -> None:
    delays = [bench.refresher.look() for _ in range(6)]
    for delay, ceiling in zip(delays, (8, 16, 32, 64, 64, 64), strict=True):
        assert ceiling / 2 <= delay <= ceiling
    assert "has no model in production" in bench.holder.problem
    assert len(set(alerts(caplog))) == 1
    promote(bench.registry, models[0])
    assert bench.refresher.look() == SECONDS
    assert bench.serving == models[0][1].version
    assert bench.holder.problem == ""


def test_what_serves_is_complete(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    state = promote(bench.registry, models[0])
    bench.refresher.look()
    served = bench.holder.require()
    card = models[0][1]
    assert served.record == state.record
    assert served.labels.classes == card.classes
    assert served.labels.threshold == card.threshold
    assert not served.from_cache
    assert bench.problem_while_loading == f"version {card.version[:12]} is being loaded"
    (answer,) = served.answer([pixels(card)])
    assert answer.version == card.version
    assert answer.confidence == pytest.approx(max(card.golden.probabilities), abs=1e-4)


def pixels(card: Card):  # type: ignore[no-untyped-def]
    from images.raw import from_raw

    return from_raw(card.golden.pixels)


def test_a_promotion_is_swapped_in_and_an_unchanged_stage_loads_nothing(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    for model in models:
        promote(bench.registry, model)
        bench.refresher.look()
        assert bench.serving == model[1].version
        bench.refresher.look()
    assert bench.loaded == [card.version for _, card in models]


def test_a_rollback_needs_no_download(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    for model in models:
        promote(bench.registry, model)
        bench.refresher.look()
    bench.registry.rollback("slow")
    bench.backend.reads.clear()
    bench.refresher.look()
    assert bench.serving == models[0][1].version
    assert not [name for name in bench.backend.reads if name.endswith(".hdf5")]


def test_only_the_model_that_serves_and_the_one_before_it_stay_in_the_cache(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    make_model: Callable[..., Path],
    make_card: Callable[..., Card],
) -> None:
    third = make_model(3)
    for model in (*models, (third, make_card(third))):
        promote(bench.registry, model)
        bench.refresher.look()
    (bench.cache / "a file of somebody else's").touch()
    bench.refresher.look()
    kept = {path.name for path in bench.cache.iterdir() if path.is_dir()}
    assert kept == {models[1][1].version, bench.serving}


def test_a_second_promotion_of_the_same_version_renews_the_record_only(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    promote(bench.registry, models[1])
    again = promote(bench.registry, models[0])
    bench.refresher.look()
    assert bench.holder.require().record == again.record
    assert bench.loaded == [models[0][1].version]


def test_a_candidate_that_answers_wrongly_is_refused_and_tried_again_after_a_while(
    bench: Bench,
    models: tuple[Model, Model],
    impostor: Model,
    promote: Promote,
    caplog: pytest.LogCaptureFixture,
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    promote(bench.registry, impostor)
    bad = impostor[1].version
    assert bench.refresher.look() == SECONDS
    assert bench.serving == models[0][1].version
    assert f"cannot serve version {bad[:12]}" in bench.holder.problem
    assert alerts(caplog) == [f"cannot serve version {bad[:12]}: GoldenMismatch"]
    bench.refresher.look()
    assert bench.loaded.count(bad) == 1, "it was tried again at once"
    bench.now += 8
    bench.refresher.look()
    assert bench.loaded.count(bad) == 2
    bench.now += 7.9
    bench.refresher.look()
    assert bench.loaded.count(bad) == 2, "the second wait is no longer than the first"
    assert bench.refresher.failures == 2, "a look that waits is no failure"
    promote(bench.registry, models[1])
    bench.refresher.look()
    assert bench.serving == models[1][1].version
    assert bench.holder.problem == ""


def test_a_version_is_given_a_new_chance_after_another_has_served(
    bench: Bench, models: tuple[Model, Model], impostor: Model, promote: Promote
) -> None:
    for model in (impostor, models[0], impostor):
        promote(bench.registry, model)
        bench.refresher.look()
    assert bench.loaded.count(impostor[1].version) == 2
    assert bench.serving == models[0][1].version


def test_the_back_off_begins_anew_after_a_look_that_went_well(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    for _ in range(3):
        bench.refresher.look()
    promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.error = Unreachable("no route")
    assert bench.refresher.look() <= 8


def test_a_damaged_candidate_is_refused(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    promote(bench.registry, models[1])
    bench.backend.damaged = True
    bench.refresher.look()
    assert bench.serving == models[0][1].version
    assert f"cannot serve version {models[1][1].version[:12]}" in bench.holder.problem
    assert not list(bench.cache.rglob("*.part"))


@pytest.mark.parametrize("away", [Unreachable("no route"), Forbidden("storage.objects.get")])
def test_a_registry_that_goes_away_unloads_nothing(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    away: RegistryError,
    caplog: pytest.LogCaptureFixture,
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.error = away
    assert 4 <= bench.refresher.look() <= 8
    assert 8 <= bench.refresher.look() <= 16
    assert bench.serving == models[0][1].version
    assert str(away) in bench.holder.problem
    assert len(alerts(caplog)) == 1, "the second is no news"
    assert len(set(alerts(caplog))) == 1
    bench.backend.error = None
    assert bench.refresher.look() == SECONDS
    assert bench.holder.problem == ""


def test_production_that_is_emptied_unloads_nothing(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.empty()
    bench.refresher.look()
    assert bench.serving == models[0][1].version
    assert bench.holder.problem.startswith("production is empty: ")
    assert "has no model in production" in bench.holder.problem


@pytest.mark.parametrize("away", [Unreachable("no route"), Forbidden("storage.objects.get")])
def test_a_service_starts_from_its_cache_when_the_registry_is_away(
    bench: Bench, models: tuple[Model, Model], promote: Promote, away: RegistryError
) -> None:
    state = promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.error = away
    bench.start()
    bench.refresher.look()
    served = bench.holder.require()
    assert served.version == models[0][1].version
    assert served.record == state.record
    assert served.from_cache
    assert str(away) in bench.holder.problem
    bench.backend.error = None
    bench.refresher.look()
    assert not bench.holder.require().from_cache
    assert bench.loaded.count(served.version) == 2, "once in each process"


def test_the_cache_of_another_registry_is_not_served(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.error = Unreachable("no route")
    bench.start(url="gs://another")
    bench.refresher.look()
    assert bench.serving == ""


def test_a_service_that_starts_on_an_empty_production_serves_the_last_model_and_says_so(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    caplog: pytest.LogCaptureFixture,
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.empty()
    bench.start()
    assert 4 <= bench.refresher.look() <= 8, "it keeps looking"
    assert bench.serving == models[0][1].version
    assert bench.holder.require().from_cache
    assert bench.holder.problem.startswith("production is empty: ")
    (alert,) = [record for record in caplog.records if hasattr(record, "alert_key")]
    assert f"Version {bench.serving} goes on serving" in alert.getMessage()


def test_a_problem_that_persists_is_a_warning_once(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")

    def levels() -> list[str]:
        found = [record.levelname for record in caplog.records if hasattr(record, "alert_key")]
        caplog.clear()
        return found

    bench.refresher.look()
    bench.refresher.look()
    assert levels() == ["WARNING", "INFO"]
    bench.backend.error = Unreachable("no route")
    bench.refresher.look()
    assert levels() == ["WARNING"], "another problem is news"
    bench.backend.error = None
    promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.error = Unreachable("no route")
    bench.refresher.look()
    assert levels() == ["WARNING"], "the same problem is news after a while without it"


def test_a_service_that_starts_on_a_bad_candidate_serves_the_last_good_one(
    bench: Bench, models: tuple[Model, Model], impostor: Model, promote: Promote
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    promote(bench.registry, impostor)
    bench.start()
    bench.refresher.look()
    assert bench.serving == models[0][1].version
    assert f"cannot serve version {impostor[1].version[:12]}" in bench.holder.problem


@pytest.mark.parametrize("name", ["best_model.hdf5", "evidence.json", "last_served.json"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"garbage"])
def test_a_damaged_cache_is_not_served_and_is_replaced(
    bench: Bench, models: tuple[Model, Model], promote: Promote, name: str, damage: bytes
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    for path in bench.cache.rglob(name):
        path.write_bytes(damage)
    bench.backend.error = Unreachable("no route")
    bench.start()
    bench.refresher.look()
    assert bench.serving == ""
    bench.backend.error = None
    bench.refresher.look()
    assert bench.serving == models[0][1].version
    assert not bench.holder.require().from_cache


def test_the_evidence_for_another_version_in_the_cache_is_not_used(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    for model in models:
        promote(bench.registry, model)
        bench.refresher.look()
    first, second = (bench.cache / card.version / "evidence.json" for _, card in models)
    second.write_bytes(first.read_bytes())
    bench.backend.error = Unreachable("no route")
    bench.start()
    bench.refresher.look()
    assert bench.serving == ""


def test_a_pinned_version_is_served_whatever_is_in_production(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    for model in models:
        promote(bench.registry, model)
    bench.start(version=models[0][1].version)
    bench.refresher.look()
    assert bench.serving == models[0][1].version
    assert bench.holder.require().record is None
    bench.backend.error = Unreachable("no route")
    bench.start(version=models[0][1].version)
    bench.refresher.look()
    assert bench.serving == models[0][1].version


def test_a_pinned_version_that_does_not_exist_is_named(bench: Bench) -> None:
    bench.start(version="0" * 64)
    bench.refresher.look()
    assert bench.serving == ""
    assert "cannot serve version 000000000000" in bench.holder.problem


def test_a_full_cache_keeps_no_model_from_serving(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    caplog: pytest.LogCaptureFixture,
) -> None:
    promote(bench.registry, models[0])
    bench.refresher.look()
    bench.backend.full = bench.cache
    promote(bench.registry, models[1])
    for _ in range(2):
        bench.refresher.look()
        assert bench.serving == models[1][1].version
        assert f"MODEL_CACHE={bench.cache}" in bench.holder.problem
        assert "No space left on device" in bench.holder.problem
    assert alerts(caplog) == ["the model that serves is not kept: CacheUnwritable"]
    assert {path.name for path in bench.cache.iterdir()} == {
        models[0][1].version,
        "last_served.json",
    }
    bench.start()
    bench.refresher.look()
    assert bench.serving == models[1][1].version, "nor at the start"
    bench.backend.full = None
    bench.start()
    bench.refresher.look()
    assert bench.serving == models[1][1].version
    assert bench.holder.problem == ""


@pytest.mark.parametrize("runtime", ["tensorflow", "onnx"])
def test_what_serves_is_kept_once_there_is_room(
    bench: Bench, models: tuple[Model, Model], promote: Promote, runtime: str, tmp_path: Path
) -> None:
    def bring(number: int) -> None:
        if runtime == "onnx":
            put(bench.registry, constant(number, "a", "b"), tmp_path)
        else:
            promote(bench.registry, models[number])
        bench.refresher.look()

    bring(0)
    shutil.rmtree(bench.cache)
    bench.cache.write_text("a file where the folder should be")
    bring(1)
    serving = bench.serving
    assert bench.holder.problem.startswith("the model that serves is not kept")
    bench.now += 2
    bench.refresher.look()
    assert bench.holder.problem.startswith("the model that serves is not kept")
    bench.cache.unlink()
    reads = len(bench.backend.reads)
    bench.refresher.look()
    assert len(bench.backend.reads) == reads, "it is left alone for a while"
    bench.now += 4
    bench.refresher.look()
    assert bench.holder.problem == ""
    bench.backend.error = Unreachable("the registry is away")
    bench.start()
    bench.refresher.look()
    assert bench.serving == serving


def test_what_could_not_be_kept_is_still_told_when_it_cannot_be_fetched_again(
    bench: Bench, tmp_path: Path
) -> None:
    bench.cache.write_text("a file where the folder should be")
    put(bench.registry, constant(0, "a", "b"), tmp_path)
    bench.refresher.look()
    bench.cache.unlink()
    bench.now += 2
    [name] = [name for name in bench.backend.reads if name.endswith(".onnx")]
    bench.backend.overwrite(name, b"damaged")
    bench.refresher.look()
    assert bench.holder.problem.startswith("the model that serves is not kept")


def test_a_cache_that_cannot_be_written_keeps_no_model_from_serving(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    bench.cache.write_text("a file where the folder should be")
    for model in models:
        promote(bench.registry, model)
        bench.refresher.look()
        assert bench.serving == model[1].version
        assert f"MODEL_CACHE={bench.cache} cannot be written" in bench.holder.problem
    bench.cache.unlink()
    bench.registry.rollback("slow")
    bench.refresher.look()
    assert bench.serving == models[0][1].version
    assert bench.holder.problem == ""


def test_where_there_is_no_room_at_all_the_cache_is_named(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    bench.backend.full = Path("/")
    bench.refresher.look()
    assert bench.serving == ""
    assert f"MODEL_CACHE={bench.cache} cannot be written" in bench.holder.problem


def test_room_is_made_before_a_model_is_fetched(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    impostor: Model,
) -> None:
    """Of what is there, only what serves and what is to serve stays; at the start, what served."""
    for model in models:
        promote(bench.registry, model)
        bench.refresher.look()
    promote(bench.registry, impostor)
    bench.refresher.look()
    versions = {path.name for path in bench.cache.iterdir() if path.is_dir()}
    assert versions == {models[1][1].version, impostor[1].version}
    bench.start()
    bench.refresher.look()
    assert bench.serving == models[1][1].version


def test_an_unexpected_error_is_logged_and_survived(
    bench: Bench,
    models: tuple[Model, Model],
    promote: Promote,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench.load = lambda obtained: 1 / 0  # type: ignore[assignment, method-assign]
    bench.start()
    promote(bench.registry, models[0])
    bench.refresher.look()
    assert "an unexpected ZeroDivisionError" in bench.holder.problem
    assert [record for record in caplog.records if record.exc_info]


def test_the_thread_starts_once_and_looks_at_once(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    loading = threading.Event()

    def load(obtained: Obtained) -> Classifier:
        loading.set()
        return load_checked(obtained.model(), obtained.card, [1])

    bench.load = load  # type: ignore[method-assign]
    bench.start()
    bench.refresher.initialise()
    bench.refresher.initialise()
    assert loading.wait(60)
    assert bench.refresher.stop(60)
    assert bench.serving == models[0][1].version


def test_initialise_cuts_a_back_off_short(bench: Bench) -> None:
    bench.backoff = Backoff(first=3600, longest=3600)
    bench.start()
    looked = threading.Event()
    wanted = bench.source.wanted

    def noted() -> Wanted:
        looked.set()
        return wanted()

    bench.source.wanted = noted  # type: ignore[method-assign]
    bench.refresher.initialise()
    assert looked.wait(60), "it did not look at its start"
    looked.clear()
    bench.refresher.initialise()
    assert looked.wait(60), "it waited for the end of the back-off"
    assert bench.refresher.stop(60)


def test_a_thread_that_never_started_ends(bench: Bench) -> None:
    assert bench.refresher.stop(0)

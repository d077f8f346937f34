"""What is left of models that have gone."""

import ctypes
import gc
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api import memory
from registry.card import Card
from registry.record import StageState
from registry.store import Registry
from tests.api.bench import Bench
from tests.light_versions import constant, put

Model = tuple[Path, Card]
Promote = Callable[[Registry, Model], StageState]


@pytest.fixture
def no_collection_by_chance() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def serving(bench: Bench) -> "weakref.ref[object]":
    bench.refresher.look()
    assert bench.holder.current, bench.holder.problem
    return weakref.ref(bench.holder.current.classifier)


@pytest.mark.usefixtures("no_collection_by_chance")
def test_a_keras_model_goes_when_another_one_serves(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    first = serving(bench)
    promote(bench.registry, models[1])
    second = serving(bench)
    assert first() is None
    assert second() is not None


@pytest.mark.usefixtures("no_collection_by_chance")
def test_a_variant_goes_without_a_collection_that_stops_every_thread(
    bench: Bench, tmp_path: Path
) -> None:
    collections: list[int] = []
    put(bench.registry, constant(0, "a", "b"), tmp_path)
    first = serving(bench)
    gc.callbacks.append(lambda phase, info: collections.append(info["generation"]))
    try:
        put(bench.registry, constant(1, "a", "b"), tmp_path)
        serving(bench)
    finally:
        gc.callbacks.pop()
    assert first() is None
    assert collections == []


@pytest.fixture
def nothing_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.unfreeze()
    monkeypatch.setattr(memory, "_passed_over", set())


@pytest.mark.usefixtures("nothing_passed_over")
def test_a_collection_passes_over_what_was_there_before_the_first_keras_model(
    bench: Bench, models: tuple[Model, Model], promote: Promote
) -> None:
    promote(bench.registry, models[0])
    serving(bench)
    assert len(gc.get_objects()) < gc.get_freeze_count()


@pytest.mark.usefixtures("nothing_passed_over")
def test_a_collection_passes_over_what_was_there_before_the_first_variant(
    bench: Bench, tmp_path: Path
) -> None:
    put(bench.registry, constant(0, "a", "b"), tmp_path)
    serving(bench)
    assert len(gc.get_objects()) < gc.get_freeze_count()


@pytest.mark.usefixtures("nothing_passed_over")
def test_a_collection_passes_over_nothing_that_comes_with_models() -> None:
    memory.pass_over_libraries("onnx")
    few = gc.get_freeze_count()
    _later = [[each] for each in range(100)]
    memory.pass_over_libraries("onnx")
    assert gc.get_freeze_count() == few
    memory.pass_over_libraries("tensorflow")
    many = gc.get_freeze_count()
    assert many > few
    memory.pass_over_libraries("onnx")
    memory.pass_over_libraries("tensorflow")
    assert gc.get_freeze_count() == many


@pytest.mark.usefixtures("nothing_passed_over", "no_collection_by_chance")
def test_a_keras_model_goes_when_a_variant_serves_instead(
    bench: Bench, models: tuple[Model, Model], promote: Promote, tmp_path: Path
) -> None:
    promote(bench.registry, models[0])
    first = serving(bench)
    put(bench.registry, constant(0, "a", "b"), tmp_path)
    serving(bench)
    assert first() is None


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_what_malloc_keeps_for_later_is_returned() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [libc.malloc(2**13) for _ in range(2**13)]
    for block in blocks:
        ctypes.memset(block, 1, 2**13)
    for block in blocks[:-1]:  # the last one keeps the others from the end of the heap
        libc.free(block)
    before = resident()
    memory.give_back(None)
    assert before - resident() > 2**25
    libc.free(blocks[-1])

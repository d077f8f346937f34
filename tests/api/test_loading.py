import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.loading import load_checked, warm_sizes
from classifier.errors import GoldenMismatch, UnreadableModel, WrongShape
from images.errors import WrongSize
from registry.card import Card, Golden

Model = tuple[Path, Card]


@pytest.mark.parametrize(
    ("max_batch", "sizes"),
    [(1, [1]), (2, [1, 2]), (20, [1, 2, 4, 8, 16, 20]), (32, [1, 2, 4, 8, 16, 32])],
)
def test_powers_of_two_and_the_largest_are_warmed(max_batch: int, sizes: list[int]) -> None:
    assert warm_sizes(max_batch) == sizes


@given(st.integers(1, 10_000))
def test_no_batch_is_twice_as_large_as_one_that_was_warmed(max_batch: int) -> None:
    sizes = warm_sizes(max_batch)
    assert sizes[0] == 1
    assert sizes[-1] == max_batch
    assert all(larger <= 2 * smaller for smaller, larger in itertools.pairwise(sizes))


def test_a_model_that_repeats_its_golden_answer_is_loaded(models: tuple[Model, Model]) -> None:
    path, card = models[0]
    assert load_checked(path, card, [1, 3]).classes == len(card.classes)


def test_a_model_under_the_card_of_another_is_refused(models: tuple[Model, Model]) -> None:
    (path, card), (_, other) = models
    swapped = replace(card, golden=replace(other.golden, probabilities=(0.0, 0.0, 1.0)))
    with pytest.raises(GoldenMismatch):
        load_checked(path, swapped, [1])


def test_a_card_with_more_classes_than_outputs_is_refused(models: tuple[Model, Model]) -> None:
    path, card = models[0]
    with pytest.raises(WrongShape):
        load_checked(path, replace(card, classes=(*card.classes, "one more")), [1])


def test_a_golden_image_of_another_size_is_refused(models: tuple[Model, Model]) -> None:
    path, card = models[0]
    with pytest.raises(WrongSize):
        load_checked(path, replace(card, golden=Golden.of(b"small", (1.0, 0.0, 0.0))), [1])


def test_what_is_no_model_is_refused(models: tuple[Model, Model], tmp_path: Path) -> None:
    path = tmp_path / "best_model.hdf5"
    path.write_bytes(b"no model")
    with pytest.raises(UnreadableModel):
        load_checked(path, models[0][1], [1])

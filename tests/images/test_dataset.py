"""What a data set says of itself."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.dataset import Dataset
from tests.images.files import noise


def dataset(size: int = 6, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset(
        source="noise",
        images=np.stack([noise(128, 128, seed=int(s)) for s in rng.integers(0, 1000, size)]),
        labels=rng.integers(0, 3, size),
        classes=("a", "b", "c"),
        names=tuple(f"{index}.png" for index in range(size)),
    )


def test_it_has_a_length_and_counts_its_classes() -> None:
    whole = replace(dataset(), labels=np.array([0, 2, 2, 0, 2, 2]))
    assert len(whole) == 6
    assert whole.per_class() == {"a": 2, "b": 0, "c": 4}


@pytest.mark.parametrize(
    "which", [np.array([4, 1]), np.array([False, True, False, False, True, False])]
)
def test_a_selection_keeps_what_belongs_together(which: np.ndarray) -> None:
    whole = dataset()
    part = whole.select(which)
    assert np.array_equal(part.images, whole.images[which])
    assert np.array_equal(part.labels, whole.labels[which])
    assert part.names == tuple(np.array(whole.names)[which])
    assert (part.source, part.classes) == (whole.source, whole.classes)


def test_a_selection_may_be_empty() -> None:
    nothing = dataset().select(np.zeros(6, bool))
    assert len(nothing) == 0
    assert nothing.per_class() == {"a": 0, "b": 0, "c": 0}
    assert nothing.fingerprint


def test_equal_images_are_of_one_group_and_flat_ones_too() -> None:
    images = dataset().images
    images[3], images[4] = images[0], 0
    images[5] = images[4]
    assert replace(dataset(), images=images).groups.tolist() == [0, 1, 2, 0, 3, 3]


@given(order=st.permutations(range(6)))
def test_the_fingerprint_knows_neither_order_nor_names(order: list[int]) -> None:
    whole = dataset()
    shuffled = replace(whole.select(np.array(order)), names=whole.names, source="elsewhere")
    assert shuffled.fingerprint == whole.fingerprint


def test_the_fingerprint_does_not_depend_on_the_numbering_of_classes() -> None:
    whole = dataset()
    renumbered = replace(whole, classes=whole.classes[::-1], labels=2 - whole.labels)
    assert renumbered.fingerprint == whole.fingerprint


@given(
    at=st.tuples(st.integers(0, 5), st.integers(0, 127), st.integers(0, 127), st.integers(0, 2)),
    bit=st.integers(0, 7),
)
def test_the_fingerprint_changes_with_any_pixel(at: tuple[int, ...], bit: int) -> None:
    whole = dataset()
    images = whole.images.copy()
    images[at] ^= 1 << bit
    assert replace(whole, images=images).fingerprint != whole.fingerprint


@given(at=st.integers(0, 5), step=st.integers(1, 2))
def test_the_fingerprint_changes_with_any_class(at: int, step: int) -> None:
    whole = dataset()
    labels = whole.labels.copy()
    labels[at] = (labels[at] + step) % 3
    assert replace(whole, labels=labels).fingerprint != whole.fingerprint


def test_the_fingerprint_changes_with_a_class_name() -> None:
    whole = dataset()
    assert replace(whole, classes=("a", "b", "d")).fingerprint != whole.fingerprint


def test_the_fingerprint_counts_duplicates() -> None:
    whole = dataset()
    assert whole.select(np.array([0, 0, 1])).fingerprint != whole.select(np.arange(2)).fingerprint


def test_of_equal_images_and_near_duplicates_one_is_distinct() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 250, (3, 16, 16, 3), np.uint8)
    pictures = np.kron(cells, np.ones((1, 8, 8, 1), np.uint8))
    images = np.concatenate([pictures, pictures[:2] + np.uint8(3), pictures[:1]])
    data = replace(dataset(6), images=images)
    kept = data.distinct()
    assert len(kept) == 3
    assert sorted(kept.groups.tolist()) == [0, 1, 2]
    assert len(kept.distinct()) == 3
    order = rng.permutation(6)
    assert set(data.select(order).distinct().digests) == set(kept.digests)
    assert len(data.select(np.zeros(0, np.int64)).distinct()) == 0

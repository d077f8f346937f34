from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from api.drift import LEAST, Comparison, Windows, contributions, limit, pool
from registry.answers import Answers

EDGES = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
MIDDLES = np.array([0.4, 0.7, 0.85, 0.93, 0.97, 0.995, 1])  # one in each bin

Shares = Sequence[float]
Given = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

EVEN = [0.1] * 10
RARE = [0.55, 0.2, 0.1, 0.07, 0.05, 0.02, 0.006, 0.004]
SURE = [0.01, 0.02, 0.02, 0.03, 0.05, 0.12, 0.75]
UNSURE = [0.1, 0.2, 0.2, 0.2, 0.15, 0.1, 0.05]


def draw(rng: np.random.Generator, count: int, classes: Shares, confidence: Shares) -> Given:
    """So many answers of a population of which these are the shares."""
    return (
        rng.choice(len(classes), count, p=classes),
        MIDDLES[rng.choice(len(MIDDLES), count, p=confidence)],
    )


def counted(given: Given, classes: int) -> Answers:
    bins = np.bincount(np.searchsorted(EDGES, given[1]), minlength=len(MIDDLES))
    mix = np.bincount(given[0], minlength=classes)
    return Answers(tuple(mix.tolist()), EDGES, tuple(bins.tolist()))


def windows(held_out: Answers, size: int, false_alarms: float) -> Windows:
    return Windows(held_out, [str(i) for i in range(len(held_out.classes))], size, false_alarms)


def alarms(found: Sequence[Comparison]) -> set[str]:
    return {each.figure for each in found if each.drifted}


@pytest.mark.parametrize(
    ("classes", "confidence", "images", "size", "rate"),
    [
        (EVEN, SURE, 359, 1000, 0.01),
        (EVEN, UNSURE, 3600, 500, 0.05),
        (RARE, SURE, 359, 1000, 0.01),
        ([0.8, 0.2], UNSURE, 250, 250, 0.1),
    ],
)
def test_without_drift_alarms_are_as_rare_as_was_asked_for(
    classes: Shares, confidence: Shares, images: int, size: int, rate: float
) -> None:
    rng = np.random.default_rng(20260101)
    trials, found = 3000, 0
    for _ in range(trials):
        held_out = counted(draw(rng, images, classes, confidence), len(classes))
        (full,) = windows(held_out, size, rate).add(*draw(rng, size, classes, confidence))
        found += bool(alarms(full))
    # Of a million programs with exactly this rate, one would be above, or with half of it, below.
    assert binom.ppf(1e-6, trials, rate / 2) <= found <= binom.isf(1e-6, trials, rate)


def moved(shares: Shares, amount: float) -> list[float]:
    """The shares, with some of the largest gone to the smallest."""
    result = list(shares)
    result[shares.index(max(shares))] -= amount
    result[-1 if shares[0] == max(shares) else 0] += amount
    return result


@pytest.mark.parametrize(
    ("classes", "confidence", "figure"),
    [
        ([0.02, 0.2, *[0.0975] * 8], SURE, "class mix"),
        (EVEN, moved(SURE, 0.15), "confidence"),
    ],
)
def test_a_shift_is_seen(classes: Shares, confidence: Shares, figure: str) -> None:
    rng = np.random.default_rng(5)
    trials, found = 300, 0
    for _ in range(trials):
        held_out = counted(draw(rng, 359, EVEN, SURE), 10)
        (full,) = windows(held_out, 1000, 0.001).add(*draw(rng, 1000, classes, confidence))
        found += figure in alarms(full)
    assert found >= binom.ppf(1e-6, trials, 0.95)


def test_what_changed_most_is_named() -> None:
    held_out = Answers((100, 100, 5, 4), (0.9,), (9, 200))
    mixed = np.array([0] * 8 + [1] * 90 + [2] * 2)
    (full,) = windows(held_out, 100, 0.001).add(mixed, np.ones(100))
    (mix,) = full
    assert mix.figure == "class mix"
    assert (mix.cell, mix.seen) == ("class 0 and 2 more", 0.1)


def test_bins_that_share_a_cell_are_named_as_one() -> None:
    held_out = Answers((200,), EDGES, (1, 2, 3, 4, 20, 10, 160))
    live = np.repeat([0.4, 1.0], 50)
    (full,) = windows(held_out, 100, 0.001).add(np.zeros(100, np.int64), live)
    (confidence,) = full
    assert confidence.cell == "confidence 0 to 0.999"
    assert (confidence.expected, confidence.seen) == (0.2, 0.5)


@pytest.mark.parametrize("level", [0.1, 0.01, 0.001, 0.0005])
@pytest.mark.parametrize("cells", [2, 3, 10, 100])
def test_the_limit_is_that_of_the_chi_square_law(cells: int, level: float) -> None:
    expected = chi2.isf(level, cells - 1) * (1 / 300 + 1 / 1000)
    assert limit(300, 1000, cells, level) == pytest.approx(expected, rel=0.05)


def test_the_index_is_that_of_the_textbook() -> None:
    held_out, live = np.array([2000, 3000, 5000]) * 1000, np.array([3000, 3000, 4000]) * 1000
    expected = 0.1 * np.log(1.5) + 0.1 * np.log(1.25)
    assert contributions(held_out, live).sum() == pytest.approx(expected, rel=1e-5)


counts = st.lists(st.integers(0, 1000), min_size=1, max_size=20)


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1))
def test_the_index_is_finite_symmetric_and_never_negative(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array(pairs).T
    terms = contributions(left, right)
    assert (terms >= 0).all()
    assert np.isfinite(terms).all()
    assert np.allclose(terms, contributions(right, left))
    assert not contributions(left, left).any()


@given(counts, st.integers(1, 500))
def test_cells_are_neighbours_and_large_enough(values: list[int], least: int) -> None:
    cells = pool(values, least)
    assert cells[0] == 0
    assert all(after - before in (0, 1) for before, after in pairwise(cells))
    held = np.bincount(cells, values)
    assert len(held) == 1 or (held >= least).all()


@given(st.data())
def test_it_does_not_matter_how_answers_come(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    held_out = counted(draw(rng, 359, EVEN, SURE), 10)
    classes, confidence = draw(rng, 700, EVEN, UNSURE)
    whole = list(windows(held_out, 200, 0.001).add(classes, confidence))
    cuts = sorted(data.draw(st.lists(st.integers(0, 700), max_size=9)))
    parts = windows(held_out, 200, 0.001)
    found = [
        full
        for low, high in pairwise([0, *cuts, 700])
        for full in parts.add(classes[low:high], confidence[low:high])
    ]
    assert found == whole
    assert len(found) == 3


@pytest.mark.parametrize(
    ("images", "size", "watched"),
    [(2 * LEAST, 2 * LEAST, True), (2 * LEAST - 1, 1000, False), (1000, 2 * LEAST - 1, False)],
)
def test_too_few_to_compare_are_not_watched(images: int, size: int, watched: bool) -> None:
    half = images // 2
    few = Answers((half, images - half), (0.9,), (0, images))
    assert windows(few, size, 0.001).watched is watched
    assert all(full == [] for full in windows(few, size, 0.001).add(*zeros(size))) is not watched


def zeros(count: int) -> Given:
    return np.zeros(count, np.int64), np.ones(count)

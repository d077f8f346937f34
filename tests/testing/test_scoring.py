import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from classifier.calibration import BINS
from testing.scoring import (
    EDGES,
    Labels,
    Probabilities,
    confusion_matrix,
    distribution,
    log_loss,
    reliability,
    score,
    worst_mistakes,
)

CLASSES = ("circle", "cross", "square")


def answers(seed: int, images: int = 90, classes: int = 3) -> tuple[Labels, Probabilities]:
    """Random labels, and probabilities that favour them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    probabilities = rng.dirichlet(np.ones(classes), images)
    probabilities[np.arange(images), labels] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return labels, probabilities.astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    labels, probabilities = answers(seed)
    predicted = probabilities.argmax(axis=1)
    scores = score(labels, probabilities, CLASSES, 0.95)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, predicted)
    assert scores.images == 90
    assert scores.accuracy.value == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert scores.confusion == tuple(map(tuple, metrics.confusion_matrix(labels, predicted)))
    assert scores.log_loss == pytest.approx(metrics.log_loss(labels, probabilities), rel=1e-5)
    for number, name in enumerate(CLASSES):
        figures = scores.per_class[name]
        assert figures.images == support[number]
        assert figures.precision.value == pytest.approx(precision[number])
        assert figures.recall.value == pytest.approx(recall[number])
        assert figures.f1.value == pytest.approx(f1[number])
    assert scores.precision.value == pytest.approx(precision.mean())
    assert scores.recall.value == pytest.approx(recall.mean())
    assert scores.f1.value == pytest.approx(f1.mean())


def test_a_class_never_seen_and_never_answered_scores_0() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0]], np.float32)
    square = score(np.array([0, 1]), probabilities, CLASSES, 0.95).per_class["square"]
    assert (square.images, square.recall.value, square.recall.high) == (0, 0.0, 1.0)


def test_wider_level_wider_interval() -> None:
    labels, probabilities = answers(0)
    narrow = score(labels, probabilities, CLASSES, 0.8)
    wide = score(labels, probabilities, CLASSES, 0.99)
    assert wide.accuracy.low < narrow.accuracy.low < narrow.accuracy.value
    assert wide.f1.low < narrow.f1.low < narrow.f1.value


def test_confusion_matrix_has_the_truth_in_rows() -> None:
    matrix = confusion_matrix(np.array([0, 0, 1]), np.array([1, 1, 1]), 2)
    assert matrix.tolist() == [[0, 2], [0, 1]]


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    assert log_loss(np.array([0]), np.array([[0, 1]], np.float32)) == pytest.approx(34.54, abs=0.01)


@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60),
)
def test_every_answer_falls_into_the_bin_of_its_confidence(rows: list[tuple[float, bool]]) -> None:
    confidence = np.array([row[0] for row in rows], np.float32)
    bins = reliability(confidence, np.array([row[1] for row in rows]))
    assert len(bins) == BINS
    assert sum(b.images for b in bins) == len(rows)
    for b in bins:
        if b.images:
            assert b.low - 1e-6 <= b.confidence <= b.high + 1e-6
            assert 0 <= b.accuracy <= 1


def test_the_bins_make_the_calibration_error() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 500).astype(np.float32)
    scores = score(rng.integers(0, 4, 500), probabilities, "abcd", 0.95)
    gaps = sum(b.images * abs(b.confidence - b.accuracy) for b in scores.reliability)
    assert scores.calibration_error == pytest.approx(gaps / 500)


def test_the_edges_of_the_range_belong_to_the_outer_bins() -> None:
    bins = reliability(np.array([0.0, 1.0]), np.array([True, True]))
    assert (bins[0].images, bins[-1].images) == (1, 1)


def test_worst_mistakes_come_first_and_right_answers_never() -> None:
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.4, 0.6], [1, 0], [0.9, 0.1], [0.3, 0.7]], np.float32)
    assert worst_mistakes(labels, probabilities, 5) == [2, 0]
    assert worst_mistakes(labels, probabilities, 1) == [2]
    assert worst_mistakes(labels[1:2], probabilities[1:2], 5) == []


def test_every_answer_is_counted_by_class_and_by_confidence() -> None:
    confidence = np.array([0.4, 0.5, 0.6, 0.9, 0.95, 0.998, 1.0], np.float32)
    probabilities = np.stack([confidence, 1 - confidence, confidence * 0], axis=1)
    found = distribution(probabilities)
    assert found.edges == EDGES
    assert found.classes == (6, 1, 0)
    assert found.confidence == (1, 2, 1, 1, 0, 1, 1)  # the first one is 0.6 of the second class

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from api.errors import NotReady
from api.holder import Answer, Holder, Snapshot
from classifier.labels import Labels


def test_an_empty_holder_says_why() -> None:
    holder = Holder()
    holder.problem = "the registry is on fire"
    for ask in (holder.require, holder.check_ready, lambda: holder.answer([])):
        with pytest.raises(NotReady, match="the registry is on fire"):
            ask()


def test_a_snapshot_is_served_until_the_next(holder: Holder, snapshot: Snapshot) -> None:
    holder.swap(snapshot)
    assert holder.require() is snapshot
    assert holder.check_ready() is snapshot
    later = replace(snapshot, version="b" * 64)
    holder.swap(later)
    assert holder.require() is later


def test_a_snapshot_cannot_be_changed(snapshot: Snapshot) -> None:
    with pytest.raises(FrozenInstanceError):
        snapshot.version = "other"  # type: ignore[misc]


def test_while_draining_it_answers_but_is_not_ready(holder: Holder, snapshot: Snapshot) -> None:
    holder.swap(snapshot)
    holder.drain()
    with pytest.raises(NotReady, match="shutting down"):
        holder.check_ready()
    assert holder.require() is snapshot


def test_answers_carry_their_label_confidence_and_version(snapshot: Snapshot) -> None:
    images = [np.full((1, 128, 128, 3), value, np.uint8) for value in (3, 250)]
    probabilities = snapshot.classifier.predict(np.concatenate(images))
    answers = snapshot.answer(images)
    assert answers == [
        Answer(value, f"class {value}", 0.75, snapshot.version, snapshot.labels, row)
        for value, row in zip((3, 250), probabilities, strict=True)
    ]
    for answer, row in zip(answers, probabilities, strict=True):
        assert np.array_equal(answer.probabilities, row)


def test_what_is_below_the_threshold_is_other(snapshot: Snapshot) -> None:
    strict = replace(snapshot, labels=Labels(snapshot.labels.classes, 0.8))
    (answer,) = strict.answer([np.zeros((1, 128, 128, 3), np.uint8)])
    assert (answer.index, answer.label) == (0, "other")


@pytest.mark.parametrize(
    ("threshold", "label"), [(None, "class 3"), (0.7, "class 3"), (0.8, "other")]
)
def test_a_deployment_has_its_own_threshold(
    snapshot: Snapshot, threshold: float | None, label: str
) -> None:
    holder = Holder(threshold)
    holder.swap(snapshot)
    (answer,) = holder.answer([np.full((1, 128, 128, 3), 3, np.uint8)])
    assert (answer.label, answer.labels.threshold) == (label, threshold or 0)
    assert holder.swaps == 1

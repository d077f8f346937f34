"""What training finds in the images without a network, and what it leaves alone."""

from dataclasses import replace

import numpy as np
import pytest

from images import Images, digits
from images.dataset import Dataset
from images.decode import decode, resize
from images.split import split
from registry.card import DataFinding
from tests.images.files import encoded, noise
from training import checks

PICTURES = [resize(noise(16, 16, seed=seed)) for seed in range(20)]


def dataset(images: list[Images], labels: list[int]) -> Dataset:
    return Dataset(
        source="made",
        images=np.stack(images),
        labels=np.array(labels, np.int64),
        classes=("a", "b"),
        names=tuple(f"{index}.png" for index in range(len(images))),
    )


def findings(whole: Dataset) -> dict[str, DataFinding]:
    return {finding.name: finding for finding in checks.check(whole, split(whole))}


def saved(image: Images, quality: int = 60) -> Images:
    return decode(encoded(image, "JPEG", quality=quality))


def test_nothing_is_found_in_the_digits() -> None:
    assert findings(digits.load()) == {}


def test_repeated_images_of_a_class_are_named_and_their_first_is_not() -> None:
    images = [*PICTURES, PICTURES[3], PICTURES[3], PICTURES[4]]
    found = findings(dataset(images, [0, 1] * 10 + [1, 1, 1]))
    assert set(found) == {"duplicates"}
    # The last is of another class than its twin: the card names it as ambiguous instead.
    assert found["duplicates"].images == ("20.png", "21.png")
    assert "2 of 23 images" in found["duplicates"].sentence
    assert "the gate only once" in found["duplicates"].advice


def test_equal_images_of_two_classes_are_ambiguous() -> None:
    whole = dataset([*PICTURES, PICTURES[4]], [0, 1] * 10 + [1])
    assert set(checks.ambiguous(whole)) == {"4.png", "20.png"}
    assert findings(whole) == {}


def test_near_duplicates_are_told_and_those_of_several_classes_come_first() -> None:
    images = [*PICTURES, *(saved(PICTURES[0], quality) for quality in (50, 70)), saved(PICTURES[1])]
    found = findings(dataset(images, [0, 1] * 10 + [0, 0, 0]))
    assert set(found) == {"near-duplicates"}
    assert found["near-duplicates"].images == ("1.png", "22.png", "0.png", "20.png", "21.png")
    sentence = found["near-duplicates"].sentence
    assert "5 of 23 images" in sentence
    assert "2 pictures, up to 3 times, and 1 of them in several classes" in sentence


@pytest.mark.parametrize(("few", "told"), [(1, True), (2, False)])
def test_a_class_ten_times_smaller_than_another_is_told(few: int, told: bool) -> None:
    found = findings(dataset(PICTURES[: 10 + few], [0] * 10 + [1] * few))
    assert ("imbalance" in found) == told
    if told:
        assert "Class a has 10 images and class b has 1, 10 times" in found["imbalance"].sentence


def test_a_class_name_stays_on_the_line_of_its_sentence() -> None:
    whole = replace(dataset(PICTURES[:11], [0] * 10 + [1]), classes=("a\x1b", "b\n"))
    [found] = findings(whole).values()
    assert found.sentence.isprintable()
    assert found.advice.isprintable()


def test_only_the_first_images_are_named() -> None:
    whole = dataset([PICTURES[0]] * 80, [0] * 40 + [1] * 40)
    assert len(findings(whole)["duplicates"].images) == checks.NAMED
    assert "78 of 80" in findings(whole)["duplicates"].sentence

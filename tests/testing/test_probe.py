"""The checks of a model's manners, on stand-ins that misbehave in one way each."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from images import SHAPE, Images
from registry.card import Card
from testing import probe


class Constant:
    """Answers every image with the same probabilities."""

    classes, device = 2, "CPU"

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        return np.tile(np.float32([0.25, 0.75]), (len(images), 1))


class Restless(Constant):
    """Answers a little differently each time."""

    def __init__(self) -> None:
        self._calls = count()

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        shift = np.float32(0.001 * next(self._calls))
        return np.add(super().predict(images), [shift, -shift])


class Crowded(Constant):
    """Answers by how many images come together."""

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        shift = np.float32(0.1 if len(images) == 1 else 0)
        return np.add(super().predict(images), [shift, -shift])


@pytest.fixture(scope="module")
def images() -> Images:
    return probe.extremes()


def test_extremes_hold_every_byte_value_and_noise(images: Images) -> None:
    assert images.shape == (256 + probe.NOISE, *SHAPE)
    assert images.dtype == np.uint8
    assert [int(image.min()) for image in images[:256]] == list(range(256))
    assert all(image.min() == image.max() for image in images[:256])
    assert all(len(np.unique(image)) == 256 for image in images[256:])


def test_extremes_are_the_same_each_time(images: Images) -> None:
    assert np.array_equal(images, probe.extremes())


@pytest.mark.parametrize(
    ("row", "passed"),
    [
        ([0.25, 0.75], True),
        ([0.0, 1.0], True),
        ([0.251, 0.751], True),  # half precision
        ([np.nan, 0.75], False),
        ([np.nan, np.nan], False),
        ([np.inf, 0.5], False),
        ([-0.25, 1.25], False),
        ([0.25, 0.25], False),
        ([1.0, 1.0], False),
    ],
)
def test_probabilities_are_finite_and_add_up(row: list[float], passed: bool) -> None:
    check = probe.probabilities(np.array([[0.5, 0.5], row], np.float32), "images")
    assert check.passed is passed
    assert passed or check.sentence.startswith("1 of 2 images")


class Mute(Constant):
    """Answers what is no number."""

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        return super().predict(images) * np.float32(np.nan)


def test_repeatable(images: Images) -> None:
    assert probe.repeatable(Constant(), images[:9]).passed
    assert not probe.repeatable(Restless(), images[:9]).passed
    assert not probe.repeatable(Mute(), images[:9]).passed


def test_independent(images: Images) -> None:
    assert probe.independent(Constant(), images[:9]).passed
    assert not probe.independent(Crowded(), images[:9]).passed
    assert not probe.independent(Mute(), images[:9]).passed


@pytest.mark.parametrize(("images", "sampled"), [(1, 1), (20, 20), (500, probe.SAMPLE)])
def test_sample_is_taken_from_all_over(images: int, sampled: int) -> None:
    numbers = np.arange(images)[:, None]
    picked = probe.sample(numbers)[:, 0]
    assert len(np.unique(picked)) == sampled
    assert (picked[0], picked[-1]) == (0, images - 1)


def test_latency_is_the_median(images: Images) -> None:
    # Each call takes 2 ms but for one, which takes a second.
    durations = [0.002] * (probe.TIMED - 1) + [1.0]
    ticks = iter(np.cumsum([step for each in durations for step in (0.5, each)]))
    milliseconds = probe.measure(Constant(), images[:1], clock=lambda: float(next(ticks)))
    assert milliseconds == pytest.approx(2)
    assert probe.latency(milliseconds, 3).passed
    assert not probe.latency(milliseconds, 1).passed


def test_size_is_in_binary_megabytes() -> None:
    assert probe.size(3 * 2**20, 3).passed
    check = probe.size(3 * 2**20 + 1, 3)
    assert not check.passed
    assert "GATE_MAX_SIZE" in check.sentence


@pytest.fixture(scope="module")
def card(make_model: Callable[..., Path], make_card: Callable[..., Card]) -> Card:
    return make_card(make_model())


def test_card_of_the_version(card: Card) -> None:
    assert probe.card(card, card.version).passed
    assert not probe.card(card, "f" * 64).passed


@pytest.mark.parametrize(
    "change",
    [{"input_shape": (64, 64, 3)}, {"input_dtype": "float32"}, {"classes": ("one", "two")}],
)
def test_card_that_does_not_fit(card: Card, change: dict[str, object]) -> None:
    assert not probe.card(replace(card, **change), card.version).passed

import io

import numpy as np
import pytest
from matplotlib.image import imread

from testing import plots
from testing.scoring import Bin, reliability


def opened(png: bytes) -> tuple[int, int]:
    """Height and width of a picture, which must not be of one colour."""
    pixels = imread(io.BytesIO(png), format="png")
    assert pixels.min() < pixels.max()
    return pixels.shape[:2]


@pytest.mark.parametrize("classes", [2, 10, 50, 120])
def test_confusion_matrix_stays_a_picture_for_a_page(classes: int) -> None:
    matrix = (7 * np.eye(classes, dtype=int)).tolist()
    height, width = opened(plots.confusion(matrix, [f"class {n}" for n in range(classes)]))
    assert 300 < height <= width < 2000


@pytest.mark.parametrize(
    "name", ["$x^{", "\\frac", "日本語", "\u202eabc", "عربي", "\x00\n", "x" * 999, "_^_", ""]
)
def test_any_name_can_be_drawn(name: str) -> None:
    opened(plots.confusion([[1, 0], [0, 1]], [name, "plain"]))


def test_names_on_axes_are_short_and_drawable() -> None:
    assert plots.axis_name(3, "cat") == "cat"
    assert plots.axis_name(3, "日本語") == "#3"
    assert plots.axis_name(3, "\u202eabc") == "#3"
    assert plots.axis_name(3, "x" * 99) == "#3 xxxxxxxxxx…"


def test_class_without_images_can_be_drawn() -> None:
    opened(plots.confusion([[0, 0], [0, 0]], ["a", "b"]))


def test_reliability_of_no_and_of_some_answers() -> None:
    opened(plots.reliability([Bin(0, 0.5, 0, 0, 0), Bin(0.5, 1, 0, 0, 0)], 0.95))
    opened(plots.reliability(reliability(np.array([0.2, 0.9]), np.array([False, True])), 0.95))


@pytest.mark.parametrize(
    "history",
    [
        {"loss": (1.0, 0.5), "val_loss": (1.1, 0.7), "accuracy": (0.4, 0.8)},
        {"val_loss": (1.0,)},
        {"loss": ()},
        {"$^{": (1.0,)},
    ],
)
def test_any_history_can_be_drawn(history: dict[str, tuple[float, ...]]) -> None:
    plots.learning_curve(history)


def test_picture_keeps_the_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    read = imread(io.BytesIO(plots.picture(image)), format="png")[:, :, :3]
    assert np.array_equal((read * 255).round().astype(np.uint8), image)

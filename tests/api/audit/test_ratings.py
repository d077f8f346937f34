"""The figures of what callers say."""

from api.audit.ratings import LEVEL, Rating
from intervals.wilson import proportion


def test_the_accuracy_stands_between_the_ends_of_its_interval() -> None:
    figures = Rating("a" * 64, images=50, right=40).figures
    assert tuple(figures) == ("low", "accuracy", "high")
    found = proportion(40, 50, LEVEL)
    assert tuple(figures.values()) == (found.low, 0.8, found.high)
    assert found.low < 0.8 < found.high

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from images import Images, digits
from images.corruptions import CORRUPTIONS
from intervals.wilson import Estimate, mean_share
from testing import verdict
from testing.comparison import Names
from testing.robustness import Robustness, measure, sample


@dataclass(frozen=True)
class Fixed:
    """Answers 0, whatever it is shown."""

    classes: tuple[str, ...]

    @property
    def card(self) -> Any:
        return SimpleNamespace(classes=self.classes)

    def names(self, images: Images) -> Names:
        return np.full(len(images), "0")


def test_each_model_is_judged_by_the_classes_that_it_knows() -> None:
    data = digits.load().select(np.arange(4))  # 0, 1, 2, 3
    every, few, none = (Fixed(classes) for classes in (data.classes, ("0", "1"), ("x", "y")))
    found = measure([every, few, none], data, 0.95)  # type: ignore[list-item]
    assert [each and (each.images, each.clean.value, each.mean.value) for each in found] == [
        (4, 0.25, 0.25),
        (2, 0.5, 0.5),
        None,
    ]


def test_a_sample_is_the_same_each_time() -> None:
    data = digits.load()
    first = sample(data, 30)
    assert first.names == sample(data, 30).names
    assert len(set(first.names)) == 30
    assert len(set(first.labels.tolist())) > 5
    assert len(sample(data.select(np.arange(7)), 30)) == 7
    assert len(sample(data, 0)) == 0


def robust(mean: float, images: int) -> Robustness:
    table = {name: {"1": 0.9, "3": 0.8} for name in CORRUPTIONS} | {"rotation": {"1": 0, "3": 0.1}}
    return Robustness(images, Estimate(1, 0.9, 1), mean_share(mean, images, 0.95), table)


def test_a_mean_is_refused_when_its_interval_lies_below() -> None:
    assert verdict.robust(robust(0.35, 20), 0.4).passed  # it may be chance
    check = verdict.robust(robust(0.35, 1000), 0.4)
    assert not check.passed
    assert "worst is rotation, 5 %: raise TRAIN_ROTATION" in check.sentence
    assert "GATE_MIN_ROBUSTNESS" in check.sentence

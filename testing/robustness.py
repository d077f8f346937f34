"""How well a model answers images that were damaged, and what they were damaged by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from images.corruptions import CORRUPTIONS, corrupt
from images.dataset import Dataset
from intervals.wilson import Estimate, mean_share, proportion
from testing.contender import Contender

ASKED = (1, 3, 5)  # of the five levels, which keeps the gate quick
SEED = 20_030_104

Table = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Robustness:
    """A model's accuracy on damaged images.

    Attributes:
        images: how many images were damaged in every way.
        clean: the accuracy on the same images as they are.
        mean: the accuracy over all corruptions and levels, each counting as much.
        table: the accuracy by corruption and level.
    """

    images: int
    clean: Estimate
    mean: Estimate
    table: Table

    @property
    def worst(self) -> tuple[str, float]:
        """The corruption that costs most, and the accuracy over its levels."""
        means = {name: float(np.mean(list(row.values()))) for name, row in self.table.items()}
        return min(means.items(), key=lambda item: item[1])


def sample(held_out: Dataset, images: int) -> Dataset:
    """So many images, drawn with a fixed seed; all of them if there are fewer."""
    drawn = np.random.default_rng(SEED).permutation(len(held_out))[:images]
    return held_out.select(np.sort(drawn))


def measure(
    contenders: Sequence[Contender], images: Dataset, level: float
) -> list[Robustness | None]:
    """Show the same damaged images to each model.

    Args:
        contenders: the models; each is judged by the images of classes that it knows.
        images: what is damaged, at least one image.
        level: the confidence level of the intervals, as 0.95.

    Returns:
        For each model what was found, or None if it knows no class of the images.
    """
    truth = np.array(images.classes)[images.labels]
    known = [np.isin(truth, each.card.classes) for each in contenders]
    right: list[list[npt.NDArray[np.bool_]]] = [[] for _ in contenders]
    for shown in _shown(images):
        for hits, each in zip(right, contenders, strict=True):
            hits.append(each.names(shown) == truth)
    return [
        _judged(np.array(hits)[:, mask], level) if mask.any() else None
        for hits, mask in zip(right, known, strict=True)
    ]


def _shown(images: Dataset) -> Iterator[npt.NDArray[np.uint8]]:
    """The images as they are, and then by corruption and level."""
    yield images.images
    for name in CORRUPTIONS:
        for level in ASKED:
            yield corrupt(images.images, name, level)


def _judged(right: npt.NDArray[np.bool_], level: float) -> Robustness:
    """The figures of bool[1 + corruptions * levels, images], which answers were right."""
    images, damaged = right.shape[1], right[1:]
    shares = damaged.mean(axis=1).reshape(len(CORRUPTIONS), len(ASKED)).tolist()
    return Robustness(
        images=images,
        clean=proportion(int(right[0].sum()), images, level),
        mean=mean_share(float(damaged.mean()), images, level),
        table={
            name: {str(asked): share for asked, share in zip(ASKED, row, strict=True)}
            for name, row in zip(CORRUPTIONS, shares, strict=True)
        },
    )

"""What a person should look at in the images of a run, found without a network.

None of it ends a run: whether copies or rare classes are wrong, only people know.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from images.dataset import Dataset
from images.split import HELD_OUT, Split
from registry.card import DataFinding
from registry.sentence import visible

NAMED = 50  # images of a finding, for a card that people can still read

# Of the largest to the smallest class. What a network loses on rare classes grows with it (Buda,
# Maki and Mazurowski, arXiv:1710.05381) without a sharp limit; at ten, a data set of a thousand
# images has about ten held out to judge the smallest of two classes by twenty.
IMBALANCE = 10


def check(dataset: Dataset, parts: Split) -> tuple[DataFinding, ...]:
    """The findings about copies and the sizes of classes."""
    found = _duplicates(dataset), _near_duplicates(dataset, parts), _imbalance(dataset)
    return tuple(finding for finding in found if finding)


def ambiguous(dataset: Dataset) -> tuple[str, ...]:
    """The images that another class has too, pixel for pixel, by name; equal ones side by side."""
    classes = defaultdict(set)
    for digest, label in zip(dataset.digests, dataset.labels.tolist(), strict=True):
        classes[digest].add(label)
    images = sorted(zip(dataset.digests, dataset.names, strict=True))
    return tuple(name for digest, name in images if len(classes[digest]) > 1)


def named(dataset: Dataset, indices: Iterable[int]) -> tuple[str, ...]:
    """The names of the first images at ``indices``."""
    return tuple(dataset.names[index] for index in indices)[:NAMED]


def _duplicates(dataset: Dataset) -> DataFinding | None:
    seen: set[tuple[bytes, int]] = set()
    repeated = []
    for index, image in enumerate(zip(dataset.digests, dataset.labels.tolist(), strict=True)):
        if image in seen:
            repeated.append(index)
        seen.add(image)
    if not repeated:
        return None
    return DataFinding(
        "duplicates",
        f"{len(repeated)} of {len(dataset)} images repeat another one of their class, pixel for "
        "pixel.",
        "Remove them: training counts an image as often as it is there, and the gate only once.",
        named(dataset, repeated),
    )


def _near_duplicates(dataset: Dataset, parts: Split) -> DataFinding | None:
    groups = _groups_of_several(dataset)
    if not groups:
        return None
    mixed = sum(_classes(dataset, group) > 1 for group in groups)
    share = len(parts.held_out) / len(dataset)
    return DataFinding(
        "near-duplicates",
        f"{sum(map(len, groups))} of {len(dataset)} images show the same picture as another one, "
        f"as saved anew, resized or made lighter: {len(groups)} pictures, up to "
        f"{max(map(len, groups))} times, and {mixed} of them in several classes. Each goes into "
        f"one part of the split as a whole; held out are {share:.0%} of the images where "
        f"{HELD_OUT:.0%} is usual.",
        "Keep one image of each, in its right class: the more copies of a picture, the likelier "
        "it is to be held out, and the less is left to learn from.",
        named(dataset, (index for group in groups for index in group)),
    )


def _groups_of_several(dataset: Dataset) -> list[list[int]]:
    """The groups with several different images; those of several classes first, then by size."""
    members = defaultdict(list)
    for index, group in enumerate(dataset.groups.tolist()):
        members[group].append(index)
    several = [
        group for group in members.values() if len({dataset.digests[index] for index in group}) > 1
    ]
    return sorted(several, key=lambda group: (-_classes(dataset, group), -len(group)))


def _classes(dataset: Dataset, group: Sequence[int]) -> int:
    return len(np.unique(dataset.labels[group]))


def _imbalance(dataset: Dataset) -> DataFinding | None:
    ordered = Counter(dataset.per_class()).most_common()
    (largest, most), (smallest, fewest) = ordered[0], ordered[-1]
    largest, smallest = visible(largest), visible(smallest)
    if most < IMBALANCE * fewest:
        return None
    return DataFinding(
        "imbalance",
        f"Class {largest} has {most} images and class {smallest} has {fewest}, "
        f"{most / max(fewest, 1):.0f} times fewer.",
        f"Add images of the small classes, {smallest} first, until none is more than "
        f"{IMBALANCE} times smaller than the largest: a network neglects what it rarely sees.",
    )

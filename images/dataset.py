"""Labelled images in memory."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from images import duplicates
from images.raw import Images


@dataclass(frozen=True)
class Skipped:
    """A file of a data set that could not be read.

    Attributes:
        name: its path below the data set's folder.
        reason: what is wrong with it.
    """

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, each with its class.

    Attributes:
        source: the folder, or the name of the built-in data.
        images: uint8[N, 128, 128, 3], RGB.
        labels: int64[N], indices into ``classes``.
        classes: the class names, sorted.
        names: N names, as paths below the folder.
        skipped: the files that could not be read.
    """

    source: str
    images: Images
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def digests(self) -> tuple[bytes, ...]:
        """The SHA-256 of each image's pixels."""
        return tuple(hashlib.sha256(image.tobytes()).digest() for image in self.images)

    @cached_property
    def groups(self) -> npt.NDArray[np.int64]:
        """A number for each image, the same for equal ones and near-duplicates: int64[N]."""
        numbers: dict[bytes, int] = {}
        equal = np.array([numbers.setdefault(it, len(numbers)) for it in self.digests], np.int64)
        first = np.unique(equal, return_index=True)[1]
        return duplicates.groups([self.images[index] for index in first])[equal]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, of all pairs of class and pixels, whatever their order."""
        pairs = sorted(
            (self.classes[label].encode(), digest)
            for label, digest in zip(self.labels, self.digests, strict=True)
        )
        fingerprint = hashlib.sha256()
        for name, digest in pairs:
            # With its length before it, a name cannot run into the digest that follows.
            fingerprint.update(len(name).to_bytes(8) + name + digest)
        return fingerprint.hexdigest()

    def distinct(self) -> "Dataset":
        """One image of each group, that of the lowest digest: what repeats another says no more."""
        order = np.array(sorted(range(len(self)), key=self.digests.__getitem__), np.int64)
        first = np.unique(self.groups[order], return_index=True)[1]
        return self.select(np.sort(order[first]))

    def per_class(self) -> dict[str, int]:
        """The number of images of each class."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))

    def select(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Dataset":
        """The images at a mask or at indices, in that order; all classes stay."""
        kept = np.arange(len(self))[which]
        return replace(
            self,
            images=self.images[kept],
            labels=self.labels[kept],
            names=tuple(self.names[index] for index in kept),
        )

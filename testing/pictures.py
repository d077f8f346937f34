"""The images that the report shows: mistakes, damaged images and what was found in the data."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from images import Images
from images.corruptions import CORRUPTIONS, corrupt
from registry.card import DataFinding
from testing import plots, remedies
from testing.case import Case
from testing.findings import Mistake

LEVEL = 3  # of the damage in pictures
MOST = 12  # images of one finding


@dataclass(frozen=True)
class Picture:
    """An image of the data.

    Attributes:
        name: its name in the data.
        source: the image as a data URI.
    """

    name: str
    source: str


@dataclass(frozen=True)
class MistakePicture(Picture):
    """A mistake with its image."""

    mistake: Mistake


@dataclass(frozen=True)
class DamagedPicture(Picture):
    """A corruption, by name, with an image, and what makes a model stand it better."""

    advice: str


@dataclass(frozen=True)
class PicturedFinding:
    """What training found in the data, with some of the images that it names.

    Attributes:
        finding: the finding.
        pictures: the first images that are among the gate's.
        unknown: names of images that are not, among as many names.
        more: how many images are named besides.
    """

    finding: DataFinding
    pictures: tuple[Picture, ...]
    unknown: tuple[str, ...]
    more: int


def mistake(case: Case, mistake: Mistake) -> MistakePicture:
    """A mistake with its image."""
    image, name = case.held_out.images[mistake.index], case.held_out.names[mistake.index]
    return MistakePicture(name, _source(image), mistake)


def damaged(case: Case) -> Iterator[DamagedPicture]:
    """Each corruption of one held-out image."""
    image = case.held_out.images[:1]
    for name in CORRUPTIONS:
        source = _source(corrupt(image, name, LEVEL)[0])
        yield DamagedPicture(name, source, remedies.corruption(name))


def findings(case: Case) -> Iterator[PicturedFinding]:
    """What training found in the data, with images read from the gate's own data by name."""
    places = {name: index for index, name in enumerate(case.data.names)}
    for finding in case.card.data.findings:
        named = finding.images[:MOST]
        yield PicturedFinding(
            finding,
            tuple(
                Picture(name, _source(case.data.images[places[name]]))
                for name in named
                if name in places
            ),
            tuple(name for name in named if name not in places),
            len(finding.images) - len(named),
        )


def data_uri(png: bytes) -> str:
    """A PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _source(image: Images) -> str:
    return data_uri(plots.picture(image))

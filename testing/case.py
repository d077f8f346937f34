"""What is judged, by what, and against what."""

from dataclasses import dataclass, field
from pathlib import Path

from images.dataset import Dataset
from images.split import split
from registry.card import Card
from registry.record import Damaged, StageState
from registry.store import Registry
from testing import verdict
from testing.errors import ClassesDiffer, NothingHeldOut
from testing.settings import GateSettings
from testing.slices import Members, read


@dataclass(frozen=True)
class Case:
    """A candidate and all that its judgement rests on.

    Attributes:
        registry: where the models are.
        candidate: what was in testing when the gate began.
        production: what was in production then, which alone it may replace; Damaged if nobody can
            tell what that is, or who put it there.
        card: the candidate's card.
        data: all images, of which only the held-out ones are shown to a model.
        held_out: those, one of each group of near-duplicates: intervals hold for images that are
            independent, and who is right on one copy is right on the others.
        settings: the thresholds.
        slices: the images of each slice, by name; empty if none were named.
        copies: how many held-out images are left out, as they repeat another one.
    """

    registry: Registry
    candidate: StageState
    production: StageState | Damaged | None
    card: Card
    data: Dataset
    held_out: Dataset
    settings: GateSettings
    slices: Members = field(default_factory=dict)
    copies: int = 0

    @property
    def version(self) -> str:
        """The version that is judged."""
        return self.candidate.record.version


def open_case(
    registry: Registry,
    candidate: StageState,
    production: StageState | Damaged | None,
    data: Dataset,
    settings: GateSettings,
) -> Case:
    """Lay out the case of a candidate.

    Raises:
        ClassesDiffer: the images have other classes than the candidate.
        NothingHeldOut: there is no image to judge by.
        WrongSlices: the file of slices cannot be read, or names images that are not there.
        RegistryError: the candidate's card cannot be read.
    """
    card = registry.card(candidate.record.version)
    _require_same_classes(card.classes, data)
    part = split(data).held_out
    held_out = part.distinct()
    if not len(held_out):
        raise NothingHeldOut(
            f"none of the {len(data)} images in {data.source} is held out: add images to GATE_DATA"
        )
    members = read(Path(settings.slices), data) if settings.slices else {}
    copies = len(part) - len(held_out)
    return Case(registry, candidate, production, card, data, held_out, settings, members, copies)


def _require_same_classes(classes: tuple[str, ...], data: Dataset) -> None:
    if classes == data.classes:
        return
    missing = [name for name in classes if name not in data.classes]
    unknown = [name for name in data.classes if name not in classes]
    faults = [
        f"{data.source} has no images of {verdict.listed(missing)}" if missing else "",
        f"the candidate does not know {verdict.listed(unknown)}" if unknown else "",
    ]
    difference = "; ".join(filter(None, faults)) or "their order differs"
    raise ClassesDiffer(
        f"the candidate in testing has other classes than GATE_DATA: {difference}: "
        "point GATE_DATA at the images that it was trained on, or train it again on these"
    )

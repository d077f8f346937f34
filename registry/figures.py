"""The figures of a verdict, as later versions of the gate write them and as earlier ones did.

A verdict's metrics are a document that has grown over time and may grow further. Nothing here
fails on one that lacks something, or that has something else in its place.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A share, with its confidence interval where it has one.

    Attributes:
        value: from 0 to 1.
        low, high: the ends of the interval; both None if there is none.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        share = f"{100 * self.value:.1f} %"
        if self.low is None or self.high is None:
            return share
        return f"{share} ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True)
class Row:
    """A figure of one group of images.

    Attributes:
        group: which images: a class, a corruption and its level, or a slice.
        images: how many; None if that is not said.
        figures: by name.
    """

    group: str
    images: int | None
    figures: Mapping[str, Estimate]


def estimate(figure: object) -> Estimate | None:
    """A number, or a mapping with ``value``, ``low`` and ``high``; None for anything else."""
    if not isinstance(figure, Mapping):
        value = number(figure)
        return None if value is None else Estimate(value)
    value, low, high = (number(figure.get(name)) for name in ("value", "low", "high"))
    if value is None:
        return None
    return Estimate(value) if low is None or high is None else Estimate(value, low, high)


def number(figure: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(figure, bool) or not isinstance(figure, int | float):
        return None
    return float(figure) if math.isfinite(figure) else None


def section(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The figures below ``name``; empty if there are none."""
    found = metrics.get(name)
    return found if isinstance(found, Mapping) else {}


def rows(groups: Mapping[str, Any]) -> list[Row]:
    """A row for each group of images that has a figure."""
    found = (_row(name, group) for name, group in groups.items())
    return [row for row in found if row.figures]


def corruptions(metrics: Mapping[str, Any]) -> dict[str, dict[str, Estimate]]:
    """The accuracy under each kind of corruption, by its level."""
    table = section(metrics, "robustness")
    read = {str(kind): _levels(levels) for kind, levels in table.items()}
    return {kind: levels for kind, levels in read.items() if levels}


def damaged(metrics: Mapping[str, Any], name: str) -> Estimate | None:
    """A figure over all corruptions: ``mean``, or ``clean`` for the same images without any."""
    return estimate(section(metrics, "robustness_summary").get(name))


def _levels(levels: object) -> dict[str, Estimate]:
    found = levels.items() if isinstance(levels, Mapping) else ()
    return {str(level): read for level, figure in found if (read := estimate(figure))}


def _row(name: str, group: object) -> Row:
    members = group if isinstance(group, Mapping) else {"accuracy": group}
    images = number(members.get("images"))
    figures = {
        key: found
        for key, figure in members.items()
        if key != "images" and (found := estimate(figure))
    }
    return Row(str(name), None if images is None else int(images), figures)

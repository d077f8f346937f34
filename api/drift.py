"""Whether live answers are distributed as those on the gate's held-out images were. Pure.

The population stability index (Siddiqi, 2006, "Credit risk scorecards") measures how far apart two
samples lie. A folk rule calls 0.2 too far, however many there are. In truth, where both come from
one population, the index of M and N values in B cells follows the chi-square law of B - 1 degrees
of freedom, times 1/M + 1/N, the more closely the more values there are (Yurdakul and Naranjo, 2020,
"Statistical properties of the population stability index", Journal of Risk Model Validation 14,
89-100). So a limit is known for any rate of false alarms.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from registry.answers import Answers

# Expected in each cell. With fewer the law is too light in its tail: in simulations alarms at a
# rate of 0.0005 were twice as many with 10, and at most a third too many with 20.
LEAST = 20

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """One figure of a window of answers, against the held-out images.

    Attributes:
        figure: what was compared, as ``class mix``.
        index: the population stability index.
        limit: what it exceeds without drift as rarely as was asked for.
        cell: the part of the answers that changed most, in words.
        expected: its share of the answers on held-out images.
        seen: its share of the window.
    """

    figure: str
    index: float
    limit: float
    cell: str
    expected: float
    seen: float

    @property
    def drifted(self) -> bool:
        """Whether the index is above the limit."""
        return self.index > self.limit


class Figure:
    """A figure of the answers, its values pooled into cells that are large enough to compare.

    Args:
        name: what it is called.
        tell: what one or more values together are called.
        counts: how often held-out images were answered with each.
        order: the values, such that neighbours may share a cell.
        window: how many answers are compared with them.
    """

    def __init__(
        self,
        name: str,
        tell: Callable[[Sequence[int]], str],
        counts: Counts,
        order: npt.NDArray[np.intp],
        window: int,
    ) -> None:
        least = LEAST * max(1, counts.sum() / window)
        self._cells = np.empty_like(counts)
        self._cells[order] = pool(counts[order].tolist(), least)
        self.cells = int(self._cells.max()) + 1
        self._name = name
        self._tell = tell
        self._held_out = np.bincount(self._cells, counts, self.cells).astype(np.int64)

    def compare(self, values: npt.NDArray[np.intp], level: float) -> Comparison:
        """Compare a window's values, int[N]; its limit is exceeded at the rate ``level``."""
        live = np.bincount(self._cells[values], minlength=self.cells)
        terms = contributions(self._held_out, live)
        most = int(terms.argmax())
        return Comparison(
            figure=self._name,
            index=float(terms.sum()),
            limit=limit(int(self._held_out.sum()), int(live.sum()), self.cells, level),
            cell=self._tell(np.flatnonzero(self._cells == most).tolist()),
            expected=float(self._held_out[most] / self._held_out.sum()),
            seen=float(live[most] / live.sum()),
        )


class Windows:
    """Compares every ``size`` answers, one window after another.

    Args:
        held_out: the answers on held-out images.
        classes: the class names in the order of the outputs.
        size: answers in a window.
        false_alarms: the part of windows without drift in which some figure seems to drift.
    """

    def __init__(
        self, held_out: Answers, classes: Sequence[str], size: int, false_alarms: float
    ) -> None:
        self._size = size
        self._edges = held_out.edges
        mix, bins = np.array(held_out.classes), np.array(held_out.confidence)
        tell_mix, tell_bins = partial(_classes, classes), partial(_interval, self._edges)
        # Classes have no order of their own, so rare ones share a cell with those as rare.
        self._figures = (
            Figure("class mix", tell_mix, mix, mix.argsort(kind="stable"), size),
            Figure("confidence", tell_bins, bins, np.arange(len(bins)), size),
        )
        self._classes: list[int] = []
        self._confidence: list[float] = []
        watched = sum(figure.cells > 1 for figure in self._figures)
        # Whatever they have to do with each other, their rates add up to no more (Bonferroni).
        self._level = false_alarms / max(1, watched)
        self.watched = watched > 0

    def add(
        self, classes: Sequence[int], confidence: Sequence[float]
    ) -> Iterator[list[Comparison]]:
        """Add answers, and compare each window that they fill.

        Args:
            classes: the likeliest class of each answer.
            confidence: its probability.
        """
        self._classes.extend(classes)
        self._confidence.extend(confidence)
        while len(self._classes) >= self._size:
            yield self._close()

    def _close(self) -> list[Comparison]:
        """Compare the window, and begin the next."""
        window = slice(self._size)
        classes = np.array(self._classes[window])
        values = (classes, np.searchsorted(self._edges, self._confidence[window]))
        del self._classes[window], self._confidence[window]
        return [
            figure.compare(live, self._level)
            for figure, live in zip(self._figures, values, strict=True)
            if figure.cells > 1
        ]


def contributions(held_out: Counts, live: Counts) -> Shares:
    """What each cell adds to the population stability index of two samples' counts, float[B].

    Half a value is added to each cell, so that one which is empty does not make it infinite.
    """
    expected, seen = _shares(held_out), _shares(live)
    terms: Shares = (seen - expected) * np.log(seen / expected)
    return terms


def limit(held_out: int, live: int, cells: int, level: float) -> float:
    """The index that samples of one population exceed at the rate ``level``, for 2 cells or more.

    The quantile of the chi-square law is that of Wilson and Hilferty (1931), "The distribution of
    chi-square", which is within 5 % for rates from 0.0005 to 0.1.
    """
    freedom = cells - 1
    spread = 2 / (9 * freedom)
    deviation = NormalDist().inv_cdf(1 - level) * spread**0.5
    chi_square: float = freedom * (1 - spread + deviation) ** 3
    return (1 / held_out + 1 / live) * chi_square


def pool(counts: Sequence[int], least: float) -> list[int]:
    """The cell of each count, from 0 on: neighbours share one until it has ``least`` in all."""
    cells, cell, held = [], 0, 0
    for count in counts:
        cells.append(cell)
        held += count
        if held >= least:
            cell, held = cell + 1, 0
    last = max(0, cell - 1)  # what is left over joins it
    return [min(each, last) for each in cells]


def _shares(counts: Counts) -> Shares:
    shares: Shares = (counts + 0.5) / (counts + 0.5).sum()
    return shares


def _classes(names: Sequence[str], found: Sequence[int]) -> str:
    """What the classes found are called."""
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"class {names[found[0]]}{others}"


def _interval(edges: Sequence[float], bins: Sequence[int]) -> str:
    """What neighbouring bins between the edges are called."""
    ends = (0, *edges, 1)
    return f"confidence {ends[bins[0]]:g} to {ends[bins[-1] + 1]:g}"

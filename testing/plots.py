"""The report's pictures, as PNG files in memory.

Figures are made as objects, without matplotlib.pyplot and its global state. Text that comes from
folder names is drawn as it is: a dollar sign in it starts no formula.
"""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.image import imsave
from matplotlib.ticker import MaxNLocator

from images import Images
from intervals.wilson import proportion
from testing.calibration import Calibration
from testing.scoring import Bin

ACCENT, WARM, GREY, INK = "#2a5db0", "#c2571a", "#8a94a3", "#1d2530"
DPI = 110
LONGEST_NAME = 14  # characters on an axis
LABELLED = 50  # classes on an axis, and up to which cells show their counts


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> bytes:
    """Images by true class (rows) and answered class (columns), coloured by share of the row."""
    counts = np.array(matrix)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = float(np.clip(2 + 0.34 * len(classes), 3.6, 14))
    figure = Figure(figsize=(side + 1, side), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", fraction=0.04, pad=0.02)
    _label_classes(axes, classes, side)
    axes.set(xlabel="answered", ylabel="true")
    if len(classes) <= LABELLED:
        _number_cells(axes, counts, shares, side)
    return _png(figure)


def reliability(bins: Sequence[Bin], level: float) -> bytes:
    """Accuracy with its interval against confidence; points on the diagonal are calibrated."""
    figure = Figure(figsize=(5, 4.6), dpi=DPI, layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    filled = [b for b in bins if b.images]
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="calibrated")
    for b in filled:
        found = proportion(round(b.accuracy * b.images), b.images, level)
        upper.plot([b.confidence] * 2, [found.low, found.high], color=ACCENT, alpha=0.45)
    x, y = [b.confidence for b in filled], [b.accuracy for b in filled]
    upper.plot(x, y, "o", color=ACCENT, label="this model", clip_on=False)
    upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(-0.03, 1.03))
    upper.legend(frameon=False, loc="upper left")
    middles, width = [(b.low + b.high) / 2 for b in bins], bins[0].high - bins[0].low
    lower.bar(middles, [b.images for b in bins], width=0.9 * width, color=ACCENT)
    lower.set(xlabel="confidence", ylabel="images")
    return _finish(figure)


def coverage(found: Calibration, images: int, level: float) -> bytes:
    """Accuracy with its interval against coverage; the dashed line is the card's threshold."""
    figure = Figure(figsize=(5, 4.6), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    x, y = [p.coverage for p in found.curve], [p.accuracy for p in found.curve]
    given = [round(p.coverage * images) for p in found.curve]
    bounds = [
        proportion(round(p.accuracy * n), n, level) for p, n in zip(found.curve, given, strict=True)
    ]
    axes.fill_between(x, [b.low for b in bounds], [b.high for b in bounds], color=ACCENT, alpha=0.2)
    axes.plot(x, y, ".-", color=ACCENT, clip_on=False)
    axes.axvline(found.coverage.value, color=WARM, linestyle="--", label="the card's threshold")
    lowest = min([*y, 0.9])
    axes.set(xlabel="coverage", ylabel="accuracy", xlim=(0, 1.02), ylim=(lowest - 0.05, 1.01))
    axes.legend(frameon=False, loc="lower left")
    return _finish(figure)


def learning_curve(history: Mapping[str, Sequence[float]]) -> bytes:
    """Each metric over the epochs, that of the validation part in another colour."""
    metrics = [name for name in history if not name.startswith("val_")]
    figure = Figure(figsize=(5, 4.6), dpi=DPI, layout="constrained")
    for number, name in enumerate(metrics):
        axes = figure.add_subplot(len(metrics), 1, number + 1)
        for key, colour, part in ((name, ACCENT, "training"), (f"val_{name}", WARM, "validation")):
            values = history.get(key, ())
            axes.plot(range(1, len(values) + 1), values, color=colour, marker=".", label=part)
        axes.set_ylabel(name.replace("_", " "), parse_math=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if number == 0:
            axes.legend(frameon=False)
    if metrics:
        axes.set_xlabel("epoch")
    return _finish(figure)


def picture(image: Images) -> bytes:
    """One image, uint8[128, 128, 3]."""
    buffer = io.BytesIO()
    imsave(buffer, image, format="png")
    return buffer.getvalue()


def axis_name(number: int, name: str) -> str:
    """A class name short enough for an axis and drawable, or its number in the report's tables."""
    glyphs = get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()
    if not name.isprintable() or any(ord(character) not in glyphs for character in name):
        return f"#{number}"
    return name if len(name) <= LONGEST_NAME else f"#{number} {name[: LONGEST_NAME - 4]}…"


def _label_classes(axes: Axes, classes: Sequence[str], side: float) -> None:
    step = -(-len(classes) // LABELLED)
    ticks = range(0, len(classes), step)
    names = [axis_name(number, classes[number]) for number in ticks]
    size = _font_size(side, len(ticks), 0.65)
    upright = max(map(len, names)) > 2
    axes.set_xticks(ticks, names, rotation=90 if upright else 0, fontsize=size, parse_math=False)
    axes.set_yticks(ticks, names, fontsize=size, parse_math=False)


def _number_cells(axes: Axes, counts: np.ndarray, shares: np.ndarray, side: float) -> None:
    size = _font_size(side, len(counts), 0.5)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[row, column] > 0.5 else INK
        text = str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _font_size(inches: float, rows: int, part: float) -> float:
    """Points that take up so much of a row's height, but no more than reads well."""
    return min(part * 0.8 * 72 * inches / rows, max(10.0, inches))


def _finish(figure: Figure) -> bytes:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()

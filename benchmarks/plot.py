"""The results as a picture: answers per second by connections, for each server and model."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from benchmarks import spread
from benchmarks.results import Results

FILE = "answers.png"
INCHES = (7.0, 4.2)  # of one model's plot


def draw(results: Results, connections: Sequence[int], folder: Path) -> Path:
    """Draw the picture into the folder; bars at the points reach from least to most."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    models = results.models()
    figure, axes = pyplot.subplots(
        1, len(models), figsize=(INCHES[0] * len(models), INCHES[1]), squeeze=False
    )
    for model, axis in zip(models, axes[0], strict=True):
        for server in results.servers(model):
            _curve(axis, results, (model, server), connections)
        axis.set(title=model, xlabel="connections", ylabel="answers per second")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(connections, [str(count) for count in connections])
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(folder / FILE, dpi=120)
    pyplot.close(figure)
    return folder / FILE


def _curve(
    axis: "matplotlib.axes.Axes",
    results: Results,
    who: tuple[str, str],
    connections: Sequence[int],
) -> None:
    found = [spread.figures(results, *who, spread.throughput(count)) for count in connections]
    points = [each for each in found if each is not None]
    middle = [each.median for each in points]
    reach = [
        [each.median - each.least for each in points],
        [each.most - each.median for each in points],
    ]
    axis.errorbar(connections, middle, yerr=reach, marker="o", capsize=3, label=who[1])

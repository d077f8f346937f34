"""``python -m training``: train a classifier on a folder of images and publish it to testing.

An interrupted run is resumed by the same command.
"""

import sys
from collections.abc import Sequence

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from process.command import run
from process.logs import LogSettings, configure
from process.settings import parse, read
from registry.open import open_registry
from registry.settings import RegistrySettings
from training.report import reported
from training.run import train
from training.settings import TrainSettings


def main(argv: Sequence[str]) -> int:
    """Run one training and return 0; what can go wrong is a Failure."""
    settings = parse(
        "training",
        __doc__ or "",
        TrainSettings,
        [RegistrySettings, AlertSettings, LogSettings],
        argv,
    )
    configure(read(LogSettings))
    registry = read(RegistrySettings)
    with open_alerts(read(AlertSettings), "training") as alerts:
        outcome = reported(lambda: train(settings, open_registry(registry)), settings, alerts)
    sys.stdout.write(f"{outcome}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run("training", main))

"""``python -m jenkins.notify SUBJECT``: e-mail the operators what standard input says."""

import argparse
import sys
import uuid
from collections.abc import Sequence

from alerts.alert import Alert
from alerts.open import open_alerts
from alerts.settings import AlertSettings
from process.command import run
from process.logs import LogSettings, configure
from process.settings import read


def main(argv: Sequence[str]) -> int:
    """Send one alert and return 0; one that cannot be delivered is in the log."""
    parser = argparse.ArgumentParser(prog="python -m jenkins.notify", description=__doc__)
    parser.add_argument("subject")
    subject: str = parser.parse_args(argv).subject
    configure(read(LogSettings))
    with open_alerts(read(AlertSettings), "delivery") as alerts:
        alerts.send(Alert(f"delivery-{uuid.uuid4().hex}", subject, sys.stdin.read()))
    return 0


if __name__ == "__main__":
    sys.exit(run("jenkins.notify", main))

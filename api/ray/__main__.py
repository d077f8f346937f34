"""``python -m api.ray [CONFIG]``: serve on a Ray cluster of this machine alone, until SIGTERM."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from api.assembly import SHARED
from api.ray.local import local_cluster
from api.settings import ServeSettings
from classifier.cores import cores
from process.command import run
from process.logs import LogSettings, configure
from process.settings import command_parser, read

CONFIG = Path(__file__).with_name("serve.yaml")


def main(argv: Sequence[str]) -> int:
    """Serve in a cluster that ends with this process, and return 0 once told to stop."""
    config = _parser().parse_args(argv).config
    configure(read(LogSettings))
    for declaration in (ServeSettings, *SHARED):
        read(declaration)  # of which a replica could only log that they cannot be
    with local_cluster(cores()):
        # Ray must find its environment when it is imported.
        from api.ray.running import serve_until_interrupted

        serve_until_interrupted(config)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "api.ray",
        "Serve on a Ray cluster of this machine alone.",
        [ServeSettings, *SHARED, LogSettings],
    )
    parser.add_argument(
        "config",
        type=Path,
        nargs="?",
        default=CONFIG,
        metavar="CONFIG",
        help="what Ray Serve runs; default: api/ray/serve.yaml",
    )
    return parser


if __name__ == "__main__":
    sys.exit(run("api.ray", main))

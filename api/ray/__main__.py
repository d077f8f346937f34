"""``python -m api.ray [CONFIG]``: serve on a Ray cluster of this machine alone, until SIGTERM."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from api.assembly import SHARED
from api.ray.errors import RayFailed
from api.ray.local import local_cluster
from api.settings import ServeSettings
from classifier.cores import cores
from process.command import run
from process.logs import LogSettings, configure
from process.settings import command_parser, read

CONFIG = Path(__file__).with_name("serve.yaml")


def main(argv: Sequence[str]) -> int:
    """Do what ``serve run`` does, in a cluster that ends with this process, and return 0."""
    config = _parser().parse_args(argv).config
    configure(read(LogSettings))
    read(ServeSettings)  # of which a replica could only log that they cannot be
    with local_cluster(cores()):
        from ray.serve.scripts import cli

        try:
            cli(["run", str(config)], standalone_mode=False)
        except SystemExit as ended:  # as it does on SIGINT and on SIGTERM
            return int(ended.code or 0)
    raise RayFailed("Ray Serve has ended by itself: its log says why")


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

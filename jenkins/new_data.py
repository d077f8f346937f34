"""``python -m jenkins.new_data``: are the images others than the last candidate was trained on?

Exit codes: 0 they are, or there is no candidate yet; 1 something failed; 2 called or configured
wrong; 3 they are the same.
"""

import argparse
import sys
from collections.abc import Sequence

from images.source import load
from process.command import run
from process.settings import read
from registry.open import open_registry
from registry.settings import RegistrySettings

SAME = 3  # exit code


def main(argv: Sequence[str]) -> int:
    """Compare the fingerprint of the images with that in the card of what is in testing."""
    parser = argparse.ArgumentParser(prog="python -m jenkins.new_data", description=__doc__)
    parser.add_argument("data", help="`digits`, or a folder of classes")
    data: str = parser.parse_args(argv).data
    registry = open_registry(read(RegistrySettings))
    candidate = registry.current("testing")
    # A candidate that was refused counts: the same images would only be refused again.
    known = registry.card(candidate.record.version).data.fingerprint if candidate else "none"
    found = load(data).fingerprint
    sys.stdout.write(f"known    {known}\nfound    {found}\n")
    return SAME if found == known else 0


if __name__ == "__main__":
    sys.exit(run("jenkins.new_data", main))

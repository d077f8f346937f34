"""``python -m api`` as in the slim image: no libraries are found but those pinned for it."""

import re
import runpy
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder, packages_distributions
from pathlib import Path

PINNED = Path(__file__).parent.parent.parent / "requirements" / "api-slim.txt"


class Slim:
    """Finds what Python's own finder does, but for other libraries and what they say of themselves.

    Args:
        libraries: the names of those that are there.
    """

    def __init__(self, libraries: Iterable[str]) -> None:
        self._libraries = frozenset(libraries)
        providers = packages_distributions().items()
        self._hidden = {name for name, found in providers if not any(map(self._has, found))}

    def _has(self, library: str) -> bool:
        return library.lower().replace("_", "-") in self._libraries

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: None = None
    ) -> ModuleSpec | None:
        """The module's, or nothing."""
        hidden = name.partition(".")[0] in self._hidden
        return None if hidden else PathFinder.find_spec(name, path, target)

    def find_distributions(self, context: DistributionFinder.Context) -> list[Distribution]:
        """Those of the libraries that are there."""
        return [found for found in PathFinder.find_distributions(context) if self._has(found.name)]


if __name__ == "__main__":
    pinned = re.findall(r"^([a-z0-9-]+)(?:\[[a-z-]+\])?==", PINNED.read_text(), re.MULTILINE)
    sys.meta_path[sys.meta_path.index(PathFinder)] = Slim(pinned)  # type: ignore[call-overload]
    runpy.run_module("api", run_name="__main__", alter_sys=True)

"""What each image installs: no more than its stage imports, pinned as everywhere else."""

import ast
import functools
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "requirements"
STAGES = ("api", "training", "testing")
DEVICES = ("cpu", "gpu")

# What each image for processors holds.
PINNED = {stage: FOLDER / f"{stage}-cpu.txt" for stage in STAGES}
PINNED |= {"api-slim": FOLDER / "api-slim.txt"}

# Where a stage's process, its children and the commands that run in its image begin.
STARTS = {
    "api": (
        "api.__main__",
        "classifier.inspection.child",
        "database.__main__",
        "registry.__main__",
    ),
    "api-slim": ("api.__main__", "database.__main__", "registry.__main__"),
    "training": ("training.__main__", "registry.__main__"),
    "testing": (
        "testing.__main__",
        "testing.export",
        "testing.quantise",
        "classifier.inspection.child",
        "registry.__main__",
        "rollout.__main__",
    ),
}

# What is imported only where TensorFlow is to run a model; tests/api/test_slim.py holds that.
UNREACHED = {"api-slim": {"classifier.load", "classifier.tensorflow_runtime"}}

# A pin with its hashes, as uv writes them.
PIN = re.compile(
    r"^([a-z0-9-]+)(?:\[[a-z-]+\])?==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.M
)
BY_NAME = {"tf2onnx", "psycopg"}  # Keras imports it, to export; SQLAlchemy, by the URL
UNUSED = {"libclang"}  # see `pin-stages` in the Makefile


def pins(path: Path) -> dict[str, tuple[str, str]]:
    """Each library's version and hashes."""
    return {name: (version, hashes) for name, version, hashes in PIN.findall(path.read_text())}


def asked_for(path: Path) -> set[str]:
    """The names in a ``.in`` file, and in those that it includes."""
    lines = path.read_text().splitlines()
    included = [path.parent / line.split()[1] for line in lines if line.startswith("-r ")]
    own = {re.split(r"[=<>\[]", line)[0] for line in lines if line and line[0] not in "#-"}
    return own.union(*map(asked_for, included))


EVERYTHING = pins(ROOT / "requirements.txt")


@pytest.mark.parametrize("target", PINNED)
def test_an_image_has_the_pins_of_everything(target: str) -> None:
    """Else run ``make pins``, which `requirements.txt` was changed without."""
    own = pins(PINNED[target])
    assert own.items() <= EVERYTHING.items()
    assert not own.keys() & UNUSED


@pytest.mark.parametrize("target", STAGES)
def test_an_image_for_a_gpu_differs_by_tensorflow_and_its_libraries(target: str) -> None:
    cpu, gpu = (pins(FOLDER / f"{target}-{device}.txt") for device in DEVICES)
    more = {name for name in gpu if name.startswith("nvidia-")}
    assert more
    assert gpu.keys() - cpu.keys() == more | {"tensorflow"}
    assert cpu.keys() - gpu.keys() == {"tensorflow-cpu"}
    assert gpu["tensorflow"][0] == cpu["tensorflow-cpu"][0]
    assert all(gpu[name] == cpu[name] for name in gpu.keys() & cpu.keys())


def test_ray_is_installed_beside_the_pins_of_everything() -> None:
    """Else run ``make lock``, or compile ``requirements-ray.in`` as it does."""
    own = pins(ROOT / "requirements-ray.txt")
    shared = own.keys() & EVERYTHING.keys()
    assert shared
    assert [name for name in shared if own[name][0] != EVERYTHING[name][0]] == []


@pytest.mark.parametrize("path", [*FOLDER.glob("*.txt"), *ROOT.glob("requirements*.txt")], ids=str)
def test_every_requirement_has_hashes(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and line[0] not in " #"]
    assert len(lines) == len(pins(path)) > 0


def source_of(module: str) -> Path | None:
    """The file of a module of ours."""
    path = ROOT / module.replace(".", "/")
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def names_in(source: Path) -> Iterator[str]:
    """Every name that a file imports, wherever in it; ``from a import b`` is ``a`` and ``a.b``."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def foreign(target: str) -> set[str]:
    """The top-level names that a stage imports from elsewhere, by way of our modules too."""
    waiting, seen, others = list(STARTS[target]), set(UNREACHED.get(target, ())), set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        if source := source_of(module):
            waiting += names_in(source)
        elif not (ROOT / module.split(".")[0]).is_dir():
            others.add(module.split(".")[0])
    return others


@functools.cache
def distributions() -> dict[str, set[str]]:
    """The libraries, as pinned, that each top-level name may come from."""
    installed = packages_distributions().items()
    return {name: {each.lower().replace("_", "-") for each in found} for name, found in installed}


@pytest.mark.parametrize("target", PINNED)
def test_an_image_has_the_libraries_that_its_stage_imports(target: str) -> None:
    """Else add the library to the image's ``.in`` file and run ``make pins``."""
    own = pins(PINNED[target]).keys()
    imported = foreign(target) & distributions().keys()
    assert [name for name in imported if not distributions()[name] & own] == []


@pytest.mark.parametrize("target", PINNED)
def test_an_image_asks_for_no_library_that_its_stage_does_not_import(target: str) -> None:
    used = set().union(*(distributions().get(name, set()) for name in foreign(target)))
    assert asked_for(FOLDER / f"{target}.in") - used - BY_NAME == set()

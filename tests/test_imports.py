"""The direction of dependencies, held: stages import what they share, and never each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each package, and the packages of ours that it may import.
ALLOWED = {
    "process": set(),
    "alerts": {"process"},
    "classifier": {"process"},
    "client": set(),
    "database": {"process"},
    "images": {"process"},
    "intervals": set(),
    "registry": {"process"},
    "api": {"alerts", "classifier", "database", "images", "intervals", "process", "registry"},
    "testing": {"alerts", "classifier", "images", "intervals", "process", "registry"},
    "training": {"alerts", "classifier", "database", "images", "process", "registry"},
    "benchmarks": {"api", "classifier", "images", "process", "registry"},
    "demo": {"images", "process", "registry"},
    "jenkins": {"alerts", "images", "process", "registry"},
    "rollout": {"alerts", "images", "intervals", "process"},
}


def imported(source: str) -> Iterator[str]:
    """The top-level names of everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the arrow"
            yield (node.module or "").split(".")[0]


def test_every_package_is_listed() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(ALLOWED)


@pytest.mark.parametrize("package", ALLOWED)
def test_dependencies_point_one_way(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        ours = set(imported(path.read_text())) & set(ALLOWED) - {package}
        assert ours <= ALLOWED[package], path


@pytest.mark.parametrize(
    ("library", "owners"),
    [
        ("smtplib", {"alerts"}),
        ("cv2", {"images"}),
        ("google", {"registry"}),
        ("alembic", {"database"}),
        ("psycopg", {"database"}),
        ("argon2", {"api"}),
        ("jwt", {"api"}),
        ("limits", {"api"}),
        ("cryptography", {"registry"}),
        ("markdown_it", {"registry"}),
        ("flask", {"api", "benchmarks"}),
        ("waitress", {"api"}),
        ("openapi_pydantic", {"api"}),
        ("opentelemetry", {"api"}),
        ("flask_openapi3_swagger", {"api"}),
        ("prometheus_client", {"api", "rollout"}),
        ("pickle", set()),
        ("ray", {"api", "benchmarks"}),
    ],
)
def test_a_library_stays_behind_its_package(library: str, owners: set[str]) -> None:
    users = {
        path.relative_to(ROOT).parts[0]
        for package in ALLOWED
        for path in (ROOT / package).rglob("*.py")
        if library in imported(path.read_text())
    }
    assert users <= owners

"""The pages say what the declarations say, and their links lead somewhere."""

import importlib
import re
from pathlib import Path

import pytest

from process.settings import Settings, table

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/README.md"), *ROOT.glob("docs/**/*.md")])

TABLE = re.compile(r"<!-- settings: (.+?) -->\n(.*?)\n?<!-- end -->", re.DOTALL)
TABLES = [found for page in PAGES for found in TABLE.findall(page.read_text())]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)


def declarations() -> dict[str, type[Settings]]:
    """Every declaration of settings in our packages, by name."""
    paths = [*ROOT.glob("*/settings.py"), *ROOT.glob("api/*/settings.py")]
    modules = [".".join(path.with_suffix("").relative_to(ROOT).parts) for path in paths]
    return {
        name: value
        for module in [*modules, "process.logs"]
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, type) and issubclass(value, Settings) and value is not Settings
    }


@pytest.mark.parametrize(("names", "documented"), TABLES)
def test_a_table_is_the_declarations_own(names: str, documented: str) -> None:
    assert documented == table([declarations()[name] for name in names.split()])


def test_every_declaration_is_documented_once() -> None:
    documented = [name for names, _ in TABLES for name in names.split()]
    assert sorted(documented) == sorted(declarations())


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCED.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """What a link can name on a page, as GitHub derives it from headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def leads_nowhere(link: str, page: Path) -> bool:
    """Whether a relative link names no file, or no heading in it."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [each for each in LINK.findall(prose(page)) if not re.match("[a-z]+:", each)]
    assert [link for link in links if leads_nowhere(link, page)] == []

"""The README says what the declarations say."""

import importlib
import re
from pathlib import Path

import pytest

from process.settings import Settings, table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()

TABLES = re.findall(r"<!-- settings: (.+?) -->\n(.*?)\n?<!-- end -->", README, re.DOTALL)


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


def test_every_declaration_is_documented() -> None:
    documented = [name for names, _ in TABLES for name in names.split()]
    assert sorted(documented) == sorted(declarations())

"""The README says what the declarations say."""

import importlib
from pathlib import Path

from process.logs import LogSettings
from process.settings import Settings, table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def declarations() -> list[type[Settings]]:
    """Every declaration of settings, found in the packages' ``settings`` modules."""
    found: list[type[Settings]] = []
    for path in sorted(ROOT.glob("*/settings.py")):
        module = importlib.import_module(f"{path.parent.name}.settings")
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Settings)
            and value.__module__ == module.__name__
            and value is not Settings
        ]
    return [*found, LogSettings]


def test_the_configuration_table_is_the_declarations_own() -> None:
    documented = README.split("<!-- settings -->")[1].split("<!-- /settings -->")[0].strip()
    assert documented == table(declarations())

"""The page where callers need an account, in a real Chromium."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.api.page import trained
from tests.api.page.conftest import Open
from tests.api.page.test_browser import answered, require_accessible
from tests.api.page.visitors import drop
from tests.api.processes import ROOT, Process
from tests.light_versions import registry_in

PASSWORD = "correct horse battery staple"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Process]:
    """A service that answers anna alone."""
    trained.put(registry_in(tmp_path), tmp_path)
    variables = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/accounts.sqlite",
        "ACCOUNTS_ENABLED": "true",
        "ACCOUNTS_SECRET_KEYS": "the key of the tests is long enough",
    }
    for command in (["database", "upgrade"], ["api.accounts", "add", "anna"]):
        subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env=os.environ | variables | {"PYTHONPATH": str(ROOT)},
            input=PASSWORD,
            text=True,
            check=True,
        )
    with Process(tmp_path, **variables) as process:
        process.wait_for("/ready")
        yield process


def test_who_has_an_account_signs_in_for_as_long_as_the_page_is_open(
    visit: Open, guarded: Process, digits: dict[str, bytes]
) -> None:
    page = visit(f"{guarded.url}/")
    form = page.locator("#sign-in")
    expect(form.get_by_label("Name")).to_be_focused()
    expect(page.locator("#work")).to_be_hidden()
    require_accessible(page)

    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("No user has this name and this password.")
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.locator("#status")).to_have_text("Ready")
    expect(form).to_be_hidden()
    drop(page, digits["7"])
    assert answered(page) == "7"
    assert page.evaluate("document.cookie + localStorage.length + sessionStorage.length") == "00"

    page.get_by_role("button", name="Sign out").click()
    expect(form).to_be_visible()
    expect(page.locator("#work")).to_be_hidden()
    expect(page.locator("#answer")).to_be_empty()
    expect(page.locator("#model")).to_be_hidden()

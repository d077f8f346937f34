"""The service as a process with a model that has learnt, and a browser that looks at it."""

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.api.page import trained
from tests.api.processes import WITHIN, Process
from tests.light_versions import registry_in

Open = Callable[..., Page]

# Chromium as root has no sandbox, and what tests start in a container has little shared memory.
CHROMIUM: dict[str, Any] = {
    "executable_path": "/usr/bin/chromium",
    "args": ["--no-sandbox", "--disable-dev-shm-usage"],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=1000 * WITHIN)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A service that is ready, and answers `other` below 0.5."""
    folder = tmp_path_factory.mktemp("service")
    trained.put(registry_in(folder), folder)
    with Process(folder, SERVE_THRESHOLD="0.5") as started:
        started.wait_for("/ready")
        yield started


@pytest.fixture(scope="session")
def digits() -> dict[str, bytes]:
    """A held-out image of each digit, as a PNG file."""
    held_out = trained.parts().held_out
    files = {}
    for image, label in zip(held_out.images, held_out.labels, strict=True):
        files.setdefault(str(label), cv2.imencode(".png", image)[1].tobytes())
    return files


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens a page as a visitor with such a device, and watches it until the test ends.

    No page may ask another origin for anything, nor break its policy, nor fail in its scripts.
    """
    contexts, wrong = [], []

    def note(message: ConsoleMessage) -> None:
        # That the service refuses something is what some tests are about.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            wrong.append(message.text)

    def opened(url: str, **device: Any) -> Page:
        context = browser.new_context(**device)
        context.set_default_timeout(1000 * WITHIN)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda asked: asked.url.startswith((url, "data:")) or wrong.append(asked.url)
        )
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def page(visit: Open, process: Process) -> Page:
    """The page, with the model's card on it."""
    page = visit(f"{process.url}/", viewport={"width": 1180, "height": 900})
    page.locator("#status", has_text="Ready").wait_for()
    page.locator("table").wait_for()
    return page

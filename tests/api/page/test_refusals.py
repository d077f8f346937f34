"""What the page says where there is no answer, in a real Chromium."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.api.page import trained
from tests.api.page.conftest import Open
from tests.api.page.visitors import drop
from tests.api.processes import Process
from tests.light_versions import registry_in


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (b"not an image", "text/plain", "This is not a PNG, JPEG, WebP or BMP file."),
        (b"GIF89a" + bytes(100), "image/gif", "This is not a PNG, JPEG, WebP or BMP file."),
        (b"", "image/png", "This is not a PNG, JPEG, WebP or BMP file."),
    ],
)
def test_what_is_no_image_is_refused_with_what_to_do(
    page: Page, content: bytes, kind: str, sentence: str
) -> None:
    drop(page, content, "<b>.png", kind)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text(sentence)
    expect(page.locator("#found")).to_be_hidden()
    expect(page.locator("#again")).to_be_hidden()


def test_what_is_too_large_is_not_even_sent(page: Page) -> None:
    script = """(input) => {
      const carried = new DataTransfer();
      carried.items.add(new File([new Uint8Array(9 * 2 ** 20)], "<b>.png"));
      input.files = carried.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }"""
    page.locator("#choose").evaluate(script)
    sentence = "<b>.png has 9 MiB, and the service takes 8 MiB: choose a smaller one."
    expect(page.get_by_role("alert")).to_contain_text(sentence)


def test_a_truncated_file_is_refused(page: Page, digits: dict[str, bytes]) -> None:
    drop(page, digits["1"])
    expect(page.locator("#found")).to_be_visible()
    drop(page, digits["1"][:-20])
    expect(page.get_by_role("alert")).to_contain_text(re.compile("truncated|damaged|stops"))
    expect(page.locator("#answer")).to_be_empty()


def test_without_a_network_it_is_said_and_tried_again(page: Page, digits: dict[str, bytes]) -> None:
    page.context.set_offline(True)
    drop(page, digits["2"])
    expect(page.get_by_role("alert")).to_contain_text("The service cannot be reached.")
    expect(page.locator("#status")).to_have_text("Not reachable")
    page.context.set_offline(False)
    expect(page.locator("#status")).to_have_text("Ready")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#answer strong")).to_have_text("2")


def test_where_nobody_has_time_to_explain_the_answer_comes_without(
    page: Page, digits: dict[str, bytes]
) -> None:
    crowded = {"detail": "other answers are being explained", "errors": []}
    page.route("**/predict*explain=1", lambda route: route.fulfill(status=503, json=crowded))
    drop(page, digits["0"])
    expect(page.locator("#answer strong")).to_have_text("0")
    expect(page.locator("#overlay")).to_be_hidden()
    expect(page.locator("#method")).to_have_text("The service had no time to explain this answer.")


def test_a_model_that_comes_later_is_noticed(
    visit: Open, tmp_path: Path, digits: dict[str, bytes]
) -> None:
    registry = registry_in(tmp_path)
    with Process(tmp_path) as process:
        process.wait_for("/health")
        page = visit(f"{process.url}/")
        expect(page.locator("#status")).to_have_text("No model yet")
        expect(page.locator("#nothing")).to_contain_text("has no model in production")
        drop(page, digits["3"])
        expect(page.get_by_role("alert")).to_contain_text("has no model in production")
        trained.put(registry, tmp_path)
        process.wait_for("/ready")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#answer strong")).to_have_text("3")
        expect(page.locator("#status")).to_have_text("Ready")
        expect(page.locator("#model")).to_be_visible()

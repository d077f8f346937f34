"""The page in a real Chromium, on a real service with a model that has learnt."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, Page, expect

from images import Images
from images.decode import decode
from tests.api.page.conftest import Open
from tests.api.page.trained import NAMES
from tests.api.page.visitors import DIGITS, Strokes, draw, draw_by_finger, draw_by_pen, drop, paste
from tests.api.processes import Process

PHONE: dict[str, Any] = {
    "viewport": {"width": 320, "height": 640},
    "has_touch": True,
    "is_mobile": True,
}


def answered(page: Page) -> str:
    """The label that is shown, once the answer is there."""
    expect(page.locator("#found")).to_be_visible()
    expect(page.locator("#result")).to_have_attribute("aria-busy", "false")
    return page.locator("#answer strong").inner_text()


def to_draw(page: Page) -> None:
    page.get_by_text("Draw", exact=True).click()
    expect(page.locator("#pad")).to_be_visible()


def data(process: Process, path: str) -> Any:
    return requests.get(f"{process.url}/{path}", timeout=60).json()["data"]


def choose(page: Page, content: bytes, name: str = "digit.png", kind: str = "image/png") -> None:
    page.set_input_files("#choose", {"name": name, "mimeType": kind, "buffer": content})


@pytest.mark.parametrize("way", [drop, paste, choose])
def test_an_image_file_is_classified(
    page: Page, digits: dict[str, bytes], way: Callable[[Page, bytes], None]
) -> None:
    way(page, digits["6"])
    assert answered(page) == "6"
    rows = page.locator("#classes li")
    expect(rows).to_have_count(5)
    expect(rows.first.locator(".name")).to_have_text("6")
    shares = [
        float(re.sub(r"[^\d.]", "", text))
        for text in page.locator("#classes .number").all_inner_texts()
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 50


def test_all_classes_are_shown_on_demand(page: Page, digits: dict[str, bytes]) -> None:
    drop(page, digits["8"])
    assert answered(page) == "8 <b>"
    page.get_by_role("button", name=f"All {len(NAMES)}").click()
    assert set(page.locator("#classes .name").all_inner_texts()) == set(NAMES)
    page.get_by_role("button", name="The first 5").click()
    expect(page.locator("#classes li")).to_have_count(5)


def test_what_the_model_is_not_sure_of_is_other(page: Page) -> None:
    black = cv2.imencode(".png", np.zeros((20, 40, 3), np.uint8))[1].tobytes()
    drop(page, black)
    assert answered(page) == "other"
    expect(page.locator("#answer")).to_contain_text("The model answers other below 50 %")
    expect(page.locator("#classes li i")).to_have_count(5)


def test_the_explanation_lies_over_the_image_and_fades(
    page: Page, digits: dict[str, bytes]
) -> None:
    drop(page, digits["3"])
    answered(page)
    overlay, switch = page.locator("#overlay"), page.get_by_role("switch")
    expect(overlay).to_be_visible()
    assert overlay.evaluate("(image) => image.naturalWidth") == 128
    assert overlay.bounding_box() == page.locator("#shown").bounding_box()
    page.get_by_label("Strength").fill("20")
    expect(overlay).to_have_css("opacity", "0.2")
    switch.click()
    expect(overlay).to_be_hidden()
    drop(page, digits["4"])
    assert answered(page) == "4"
    expect(overlay).to_be_hidden()
    switch.click()  # it has to be asked for first
    expect(overlay).to_be_visible()


def test_the_answer_to_the_last_image_is_shown(page: Page, digits: dict[str, bytes]) -> None:
    for digit in ("1", "2", "3", "6"):
        drop(page, digits[digit])
    assert answered(page) == "6"


@pytest.mark.parametrize(
    ("digit", "hand"), [("0", draw), ("2", draw), ("3", draw), ("5", draw), ("5", draw_by_pen)]
)
def test_a_drawn_digit_is_recognised(
    page: Page, digit: str, hand: Callable[[Page, Strokes], None]
) -> None:
    to_draw(page)
    hand(page, DIGITS[digit])
    assert answered(page) == digit


def test_a_drawing_can_be_undone_cleared_and_turned_to_dark_on_light(page: Page) -> None:
    to_draw(page)
    undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    expect(undo).to_be_disabled()
    draw(page, DIGITS["0"])
    assert answered(page) == "0"
    first = drawing(page)
    draw(page, [[(0.05, 0.05), (0.95, 0.05)]])
    assert (drawing(page) != first).any()
    undo.click()
    assert (drawing(page) == first).all()
    assert answered(page) == "0"
    clear.click()
    expect(page.locator("#found")).to_be_hidden()
    expect(page.locator("#nothing")).to_contain_text("Draw something")
    expect(clear).to_be_disabled()
    undo.click()
    assert (drawing(page) == first).all()
    assert first[0, 0].max() == 0
    page.get_by_text("Dark on light").click()
    assert drawing(page)[0, 0].min() == 255


def drawing(page: Page) -> Images:
    """What is on the canvas."""
    url: str = page.locator("#pad").evaluate("(pad) => pad.toDataURL()")
    return decode(base64.b64decode(url.partition(",")[2]))


def test_a_finger_draws_on_a_phone(visit: Open, process: Process) -> None:
    page = visit(f"{process.url}/", **PHONE)
    to_draw(page)
    draw_by_finger(page, DIGITS["2"])
    assert answered(page) == "2"
    before = page.evaluate("scrollY")
    draw_by_finger(page, [[(0.5, 0.9), (0.5, 0.1)]])
    assert page.evaluate("scrollY") == before


def test_nothing_has_to_be_scrolled_sideways(page: Page, digits: dict[str, bytes]) -> None:
    def require_narrow() -> None:
        for width in (1180, 834, 640, 320):  # 1280 at 200 % are 640, and at 400 % 320
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("document.documentElement.scrollWidth") <= width

    require_narrow()
    drop(page, digits["5"])
    answered(page)
    require_narrow()
    to_draw(page)
    require_narrow()


def test_the_result_of_a_file_comes_into_sight_on_a_phone(
    visit: Open, process: Process, digits: dict[str, bytes]
) -> None:
    page = visit(f"{process.url}/", **PHONE)
    page.locator("table").wait_for()
    choose(page, digits["1"])
    answered(page)
    expect(page.locator("#answer")).to_be_in_viewport()


def test_a_keyboard_is_enough(page: Page, digits: dict[str, bytes]) -> None:
    def press_until(key: str, wanted: str) -> None:
        for _ in range(20):
            page.keyboard.press(key)
            if page.evaluate("(wanted) => document.activeElement.matches(wanted)", wanted):
                assert outlined(page), wanted
                return
        raise AssertionError(f"the focus never came to {wanted}")

    file: FilePayload = {"name": "7.png", "mimeType": "image/png", "buffer": digits["7"]}
    page.on("filechooser", lambda chooser: chooser.set_files(file))
    press_until("Tab", "[name=way]")
    press_until("Tab", "#choose")
    page.keyboard.press("Enter")
    assert answered(page) == "7"
    expect(page.locator("#answer")).to_have_role("status")
    press_until("Tab", "#explain")
    page.keyboard.press("Space")
    expect(page.locator("#overlay")).to_be_hidden()
    page.keyboard.press("Space")
    press_until("Tab", "#strength")
    page.keyboard.press("End")
    expect(page.locator("#overlay")).to_have_css("opacity", "1")
    press_until("Tab", "#all")
    page.keyboard.press("Enter")
    expect(page.locator("#classes li")).to_have_count(len(NAMES))
    press_until("Tab", "#facts button")
    press_until("Tab", ".table")
    press_until("Shift+Tab", "[name=way]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#pad")).to_be_visible()


def outlined(page: Page) -> bool:
    """Whether what has the focus, or the label that it stands for, has a line around it."""
    script = """[document.activeElement, document.activeElement.closest("label")]
      .some((each) => each && getComputedStyle(each).outlineStyle !== "none")"""
    found: bool = page.evaluate(script)
    return found


def test_the_card_says_what_the_service_says(page: Page, process: Process) -> None:
    info, performance = data(process, "info"), data(process, "performance")
    facts = page.locator("#facts")
    expect(facts).to_contain_text(info["version"][:12])
    expect(facts).to_contain_text(info["production"]["why"])
    expect(facts).to_contain_text("ONNX Runtime, float32, CPU")
    expect(facts).to_contain_text("below 50 %")
    expect(facts.locator("time").first).to_have_attribute("datetime", info["since"])
    assert facts.locator("li").all_inner_texts() == list(NAMES)
    accuracy = performance["metrics"]["accuracy"]
    shown = page.locator("#performance").inner_text().replace("\u00a0", " ")
    for share in (accuracy["value"], accuracy["low"], accuracy["high"]):
        assert f"{100 * share:.1f}".removesuffix(".0") + " %" in shown
    rows = page.locator("#per-class tbody tr")
    expect(rows).to_have_count(len(NAMES))
    seven = performance["metrics"]["per_class"]["7"]
    cells = rows.nth(7).inner_text().split()
    assert cells[:2] == ["7", str(seven["images"])]


def test_the_version_can_be_copied(page: Page, process: Process) -> None:
    version = data(process, "info")["version"]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the whole version").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == version


@pytest.mark.parametrize(("scheme", "width"), [("light", 1180), ("dark", 320)])
def test_no_rule_of_accessibility_is_broken(
    visit: Open, process: Process, digits: dict[str, bytes], scheme: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    page = visit(f"{process.url}/", viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page.locator("table").wait_for()
    require_accessible(page)
    drop(page, digits["9"])
    answered(page)
    require_accessible(page)
    to_draw(page)
    require_accessible(page)
    drop(page, b"no image", "<b>notes.txt", "text/plain")
    expect(page.locator("#problem")).to_be_visible()
    require_accessible(page)


def require_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, json.dumps(found.response["violations"], indent=1)


def test_nothing_moves_for_those_who_asked_for_that(visit: Open, process: Process) -> None:
    page = visit(f"{process.url}/", reduced_motion="reduce")
    page.locator("table").wait_for()
    assert page.evaluate("document.getAnimations().length") == 0
    script = "getComputedStyle(document.querySelector('.progress'), '::before').animationName"
    assert page.evaluate(script) == "none"


def test_the_dark_scheme_is_dark(visit: Open, process: Process) -> None:
    light, dark = (
        visit(f"{process.url}/", color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        for scheme in ("light", "dark")
    )
    assert max(dark) < 64 < 192 < min(light)

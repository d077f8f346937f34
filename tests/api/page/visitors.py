"""What people do on the page: drop, paste and draw."""

import base64
from collections.abc import Iterable, Sequence

from playwright.sync_api import Locator, Page

Point = tuple[float, float]  # parts of the width and of the height
Strokes = Sequence[Sequence[Point]]

# As people write them; not one is from the images that the model has learnt from.
DIGITS: dict[str, Strokes] = {
    "0": [
        [(0.5, 0.2), (0.35, 0.3), (0.32, 0.6), (0.45, 0.8), (0.62, 0.75), (0.68, 0.45), (0.5, 0.2)]
    ],
    "2": [[(0.3, 0.3), (0.45, 0.17), (0.65, 0.25), (0.62, 0.45), (0.3, 0.83), (0.73, 0.83)]],
    "3": [[(0.3, 0.2), (0.65, 0.2), (0.48, 0.45), (0.68, 0.6), (0.6, 0.82), (0.3, 0.8)]],
    "5": [
        [
            (0.7, 0.16),
            (0.37, 0.16),
            (0.34, 0.45),
            (0.6, 0.45),
            (0.68, 0.65),
            (0.55, 0.83),
            (0.3, 0.8),
        ]
    ],
}

HAND_OVER = """(zone, [kind, name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type }));
  const init = { bubbles: true, cancelable: true };
  zone.dispatchEvent(kind === "paste"
    ? new ClipboardEvent(kind, { ...init, clipboardData: carried })
    : new DragEvent(kind, { ...init, dataTransfer: carried }));
}"""


def drop(page: Page, content: bytes, name: str = "digit.png", kind: str = "image/png") -> None:
    """Let go of a file over the page."""
    for event in ("dragover", "drop"):
        _hand_over(page.locator("#file"), event, content, name, kind)


def paste(page: Page, content: bytes) -> None:
    """Paste a picture that was copied elsewhere."""
    _hand_over(page.locator("body"), "paste", content, "image.png", "image/png")


def draw(page: Page, strokes: Strokes) -> None:
    """Draw with the mouse."""
    for stroke in strokes:
        first, *rest = _places(page, stroke)
        page.mouse.move(*first)
        page.mouse.down()
        for place in rest:
            page.mouse.move(*place, steps=5)
        page.mouse.up()


def draw_by_finger(page: Page, strokes: Strokes) -> None:
    """Draw on a screen that feels touches."""
    session = page.context.new_cdp_session(page)
    for stroke in strokes:
        for number, (x, y) in enumerate(_places(page, stroke)):
            kind = "touchMove" if number else "touchStart"
            touch = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            session.send("Input.dispatchTouchEvent", touch)
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def draw_by_pen(page: Page, strokes: Strokes) -> None:
    """Draw with a pen."""
    session = page.context.new_cdp_session(page)
    for stroke in strokes:
        places = list(_places(page, stroke))
        kinds = ["mousePressed", *["mouseMoved"] * (len(places) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*places, places[-1]], strict=True):
            event = {"type": kind, "x": x, "y": y, "pointerType": "pen", "button": "left"}
            session.send("Input.dispatchMouseEvent", event | {"buttons": 1, "clickCount": 1})


def _places(page: Page, stroke: Iterable[Point]) -> Iterable[Point]:
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    for x, y in stroke:
        yield box["x"] + x * box["width"], box["y"] + y * box["height"]


def _hand_over(zone: Locator, event: str, content: bytes, name: str, kind: str) -> None:
    zone.evaluate(HAND_OVER, [event, name, kind, base64.b64encode(content).decode()])

"""The page as files over HTTP; tests/api/page/test_browser.py looks at it in a browser."""

import re

import pytest
from flask import Flask

from api.page.routes import ASSETS, FOLDER

# What a page loads: in HTML, in a module, and in a style.
LOADED = re.compile(r"""(?:src|href)="(.*?)"|from "(.*?)"|url\((.*?)\)""")


@pytest.mark.parametrize("path", ["/", *[f"/page/{name}" for name in ASSETS]])
def test_a_part_is_asked_about_each_time_and_sent_once(app: Flask, path: str) -> None:
    first = app.test_client().get(path)
    assert (first.status_code, first.cache_control.no_cache) == (200, True)
    again = app.test_client().get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = app.test_client().get(path, headers={"If-None-Match": '"another"'})
    assert (other.status_code, other.data) == (200, first.data)


@pytest.mark.parametrize("path", ["/", *[f"/page/{name}" for name in ASSETS]])
def test_a_part_may_load_nothing_from_elsewhere(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    named = {name for names in LOADED.findall(answer.text) for name in names if name}
    assert not {name for name in named if "//" in name or name.startswith("/")}


def test_the_page_is_html_and_its_parts_are_what_their_names_say(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/").content_type == "text/html; charset=utf-8"
    kinds = {name: client.get(f"/page/{name}").mimetype for name in ASSETS}
    assert kinds["app.js"] == "text/javascript"
    assert kinds["style.css"] == "text/css"
    assert kinds["icon.svg"] == "image/svg+xml"


def test_every_part_is_loaded_by_the_page_or_by_another_part() -> None:
    files = [file.read_text() for file in FOLDER.iterdir()]
    named = {
        name.rpartition("/")[2]
        for text in files
        for match in LOADED.findall(text)
        for name in match
    }
    assert set(ASSETS) <= named


@pytest.mark.parametrize("name", ["page.html", "x.js", "..%2froutes.py", "%2e%2e%2froutes.py"])
def test_nothing_else_is_shown(app: Flask, name: str) -> None:
    answer = app.test_client().get(f"/page/{name}")
    assert answer.status_code == 404
    assert "the page is at /" in answer.text or "there is nothing at" in answer.text

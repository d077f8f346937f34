"""The page and its parts, which a browser keeps and asks about each time."""

import functools
from hashlib import sha256
from importlib import resources

from flask import Blueprint, Response, request

from api.errors import Absent
from api.operation import documented
from api.policy import strict

routes = Blueprint("page", __name__)

FOLDER = resources.files("api.page") / "assets"
PAGE = "page.html"
MEDIA_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
ASSETS = sorted(file.name for file in FOLDER.iterdir() if file.name != PAGE)


@routes.get("/")
@documented("<!DOCTYPE html>", media_type=MEDIA_TYPES["html"])
def page() -> Response:
    """Let people try the model in a browser."""
    return _send(PAGE)


@routes.get("/page/<name>")
def asset(name: str) -> Response:
    """A part of the page."""
    if name not in ASSETS:
        raise Absent(f"there is no {name} here; the page is at /")
    return _send(name)


def _send(name: str) -> Response:
    content, tag = _read(name)
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    response = strict(Response(content, content_type=f"{media_type}; charset=utf-8"))
    response.set_etag(tag)
    # Parts of two releases would not fit together, so that none is used without asking.
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


@functools.cache
def _read(name: str) -> tuple[bytes, str]:
    """A file of the page, and a tag that changes with it."""
    content = (FOLDER / name).read_bytes()
    return content, sha256(content).hexdigest()[:16]

"""Listing: pages, prefixes and folders, against a model and Google's published rules."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.gcs.api import API, Request
from tests.gcs.conftest import Raw
from tests.gcs.object_methods import list_objects
from tests.gcs.objects import Conditions, Draft

NAMES = st.lists(st.text("ab/ü", min_size=1, max_size=5), max_size=12)


def pages(api: API, **query: Any) -> list[dict[str, Any]]:
    """All pages of a listing, without a network."""
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        asked = {key: [str(value)] for key, value in (query | token).items() if value != ""}
        request = Request("GET", "/storage/v1/b/b/o", asked, {}, b"", "http://x")
        page = json.loads(list_objects(api, request, "b").body)
        found.append(page)
        if "nextPageToken" not in page:
            return found
        token = {"pageToken": page["nextPageToken"]}


def filled(names: list[str]) -> API:
    api = API()
    api.store.make_bucket({"name": "b"})
    for name in names:
        api.store.put("b", Draft(name, b"", {}), Conditions())
    return api


@given(NAMES, st.text("ab/ü", max_size=2), st.integers(1, 5))
def test_pages_hold_every_object_below_the_prefix_in_order(
    names: list[str], prefix: str, size: int
) -> None:
    found = pages(filled(names), prefix=prefix, maxResults=size)
    listed = [item["name"] for page in found for item in page.get("items", [])]
    assert listed == sorted({name for name in names if name.startswith(prefix)})
    assert all(len(page.get("items", [])) == size for page in found[:-1])


@given(NAMES, st.text("ab/", max_size=2), st.integers(1, 5))
def test_a_delimiter_gathers_folders(names: list[str], prefix: str, size: int) -> None:
    found = pages(filled(names), prefix=prefix, delimiter="/", maxResults=size)
    rests = [name.removeprefix(prefix) for name in set(names) if name.startswith(prefix)]
    folders = {prefix + rest.partition("/")[0] + "/" for rest in rests if "/" in rest}
    assert [each for page in found for each in page.get("prefixes", [])] == sorted(folders)
    listed = [item["name"] for page in found for item in page.get("items", [])]
    assert listed == sorted(prefix + rest for rest in rests if "/" not in rest)


def test_a_listing_shows_whole_objects(raw: Raw) -> None:
    made = [raw.made(name) for name in ("versions/a", "versions/b", "x")]
    answer = raw.ask("GET", f"/storage/v1/b/{raw.bucket}/o", params={"prefix": "versions/"})
    assert answer.json() == {"kind": "storage#objects", "items": made[:2]}

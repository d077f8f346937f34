"""Faults strike when they are ordered to, and what was done is done."""

from collections.abc import Iterator

import pytest
import requests

from tests.gcs.conftest import Raw
from tests.gcs.gcs_process import GCSServer
from tests.gcs.uploads import UNIT


@pytest.fixture(autouse=True)
def _all_strike(gcs_server: GCSServer) -> Iterator[None]:
    """Nothing that was ordered here is left for another test."""
    yield
    gcs_server.behave()


@pytest.mark.parametrize("when", ["before", "after"])
def test_503_before_and_after(gcs_server: GCSServer, raw: Raw, when: str) -> None:
    gcs_server.fail(operation="objects.insert", kind="503", when=when)
    answer = raw.put("a", b"content")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == 503
    assert raw.get("a").ok == (when == "after")
    assert raw.put("a", b"content").ok


@pytest.mark.parametrize("when", ["before", "after"])
def test_reset_before_and_after(gcs_server: GCSServer, raw: Raw, when: str) -> None:
    raw.made("source")
    gcs_server.fail(operation="objects.rewrite", kind="reset", when=when)
    with pytest.raises(requests.ConnectionError):
        raw.rewrite("source", "a")
    assert raw.get("a").ok == (when == "after")


def test_an_answer_is_cut_in_the_middle(gcs_server: GCSServer, raw: Raw) -> None:
    raw.made("a", bytes(100_000))
    gcs_server.fail(operation="objects.get", kind="cut")
    with pytest.raises(requests.exceptions.RequestException):
        raw.media("a")
    assert len(raw.media("a").content) == 100_000


def test_an_answer_is_damaged(gcs_server: GCSServer, raw: Raw) -> None:
    raw.made("a", b"content")
    gcs_server.fail(operation="objects.get", kind="damage")
    assert raw.media("a").content == b"bontent"
    assert raw.media("a").content == b"content"


def test_only_the_nth_write_and_those_after_it_are_hit(gcs_server: GCSServer, raw: Raw) -> None:
    gcs_server.fail(skip=1, times=2)
    statuses = [raw.put(name, b"").status_code for name in "abcd"]
    assert statuses == [200, 503, 503, 200]
    assert raw.get("b").status_code == 404


def test_a_part_is_kept_in_part(gcs_server: GCSServer, raw: Raw) -> None:
    location = raw.start("a").headers["Location"]
    gcs_server.fail(operation="objects.insert", kind="short")
    answer = raw.part(location, f"bytes 0-{4 * UNIT - 1}/{4 * UNIT}", bytes(4 * UNIT))
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{UNIT - 1}")


def test_what_is_struck_off_does_not_strike(gcs_server: GCSServer, raw: Raw) -> None:
    gcs_server.fail()
    gcs_server.fail()
    assert raw.put("a", b"").status_code == 503
    assert gcs_server.behave() == 1
    assert raw.put("a", b"").ok


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delayed_request_is_done_although_its_client_has_gone(
    gcs_server: GCSServer, raw: Raw, when: str
) -> None:
    gcs_server.fail(operation="objects.insert", kind="delay", when=when)
    path = f"{raw.url}/upload/storage/v1/b/{raw.bucket}/o?uploadType=media&name=a"
    with pytest.raises(requests.ReadTimeout):
        raw.session.post(path, data=b"late", timeout=0.5)
    assert gcs_server.behave() == 0
    assert raw.media("a").content == b"late"


def test_a_fault_may_be_meant_for_one_client(gcs_server: GCSServer, raw: Raw) -> None:
    alice = Raw(raw.url, raw.bucket, "alice")
    gcs_server.fail(who="alice")
    gcs_server.fail(who="bob")
    assert gcs_server.behave("bob") == 1
    assert raw.put("a", b"").ok
    assert alice.put("b", b"").status_code == 503
    alice.session.close()

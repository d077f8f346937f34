"""Simple, multipart and resumable uploads, against Google's published rules."""

import json
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gcs.conftest import Raw
from tests.gcs.objects import Conditions, Refusal
from tests.gcs.uploads import UNIT, Session

CONTENT = bytes(range(256)) * (UNIT // 256) * 2 + b"and the rest"
SIZE = len(CONTENT)


def test_a_simple_upload_keeps_its_content_type(raw: Raw) -> None:
    path = f"/upload/storage/v1/b/{raw.bucket}/o"
    answer = raw.ask(
        "POST",
        path,
        params={"uploadType": "media", "name": "a"},
        data=b"x",
        headers={"Content-Type": "text/x"},
    )
    assert answer.json()["contentType"] == "text/x"
    assert raw.media("a").headers["Content-Type"] == "text/x"
    assert raw.ask("POST", path, params={"uploadType": "media"}, data=b"x").status_code == 400


@pytest.mark.parametrize("content", [b"", b"\r\n--\r\n", b"line\r\n\r\nline", bytes(range(256))])
def test_a_multipart_upload_has_fields_and_content(raw: Raw, content: bytes) -> None:
    fields = {"name": "a/ü", "metadata": {"key": "ü"}, "size": "99", "generation": "1"}
    body = b"\r\n".join(
        [
            b"--==x==",
            b"content-type: application/json; charset=UTF-8",
            b"",
            json.dumps(fields).encode(),
            b"--==x==",
            b"Content-Type: image/png",
            b"",
            content,
            b"--==x==--",
        ]
    )
    answer = raw.ask(
        "POST",
        f"/upload/storage/v1/b/{raw.bucket}/o?uploadType=multipart",
        data=body,
        headers={"Content-Type": 'multipart/related; boundary="==x=="'},
    )
    found = answer.json()
    assert found == raw.get("a/ü").json()
    assert (found["contentType"], found["metadata"]) == ("image/png", {"key": "ü"})
    assert found["size"] == str(len(content))
    assert found["generation"] != "1"
    assert raw.media("a/ü").content == content


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/related", b"--x\r\n\r\n{}\r\n--x\r\n\r\na\r\n--x--"),
        ("multipart/related; boundary=x", b"--x\r\n\r\n{}\r\n--x\r\n\r\na\r\n"),
        ("multipart/related; boundary=x", b"--x\r\n\r\n[]\r\n--x\r\n\r\na\r\n--x--"),
        ("multipart/related; boundary=x", b"--x\r\n\r\n{\r\n--x\r\n\r\na\r\n--x--"),
    ],
)
def test_a_malformed_multipart_upload_is_refused(raw: Raw, kind: str, body: bytes) -> None:
    path = f"/upload/storage/v1/b/{raw.bucket}/o?uploadType=multipart&name=a"
    assert raw.ask("POST", path, data=body, headers={"Content-Type": kind}).status_code == 400
    assert raw.get("a").status_code == 404


def test_a_body_may_come_in_chunks_of_unknown_number(raw: Raw) -> None:
    path = f"/upload/storage/v1/b/{raw.bucket}/o?uploadType=media&name=a"
    assert raw.ask("POST", path, data=iter([b"con", b"tent"])).ok
    assert raw.media("a").content == b"content"


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ("Content-Length: 10", b"content"),
        ("Transfer-Encoding: chunked", b"7\r\ncontent\r\n"),
        ("Transfer-Encoding: chunked", b"a\r\ncontent"),
    ],
)
def test_what_is_not_sent_to_its_end_is_not_done(raw: Raw, header: str, sent: bytes) -> None:
    address = urlsplit(raw.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        path = f"/upload/storage/v1/b/{raw.bucket}/o?uploadType=media&name=a"
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"
        connection.sendall(head.encode() + sent)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert raw.get("a").status_code == 404


def test_a_resumable_upload_in_parts(raw: Raw) -> None:
    begun = raw.start("a", {"metadata": {"k": "v"}, "contentType": "a/b"})
    assert (begun.status_code, begun.content) == (200, b"")
    location = begun.headers["Location"]
    asked = raw.part(location, f"bytes */{SIZE}")
    assert (asked.status_code, "Range" in asked.headers) == (308, False)
    for first in (0, UNIT):
        last = first + UNIT - 1
        answer = raw.part(location, f"bytes {first}-{last}/{SIZE}", CONTENT[first : last + 1])
        assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{last}")
        assert raw.part(location, "bytes */*").headers["Range"] == f"bytes=0-{last}"
        assert raw.get("a").status_code == 404
    answer = raw.part(location, f"bytes {2 * UNIT}-{SIZE - 1}/{SIZE}", CONTENT[2 * UNIT :])
    assert answer.status_code == 200
    assert (answer.json()["metadata"], answer.json()["contentType"]) == ({"k": "v"}, "a/b")
    assert raw.media("a").content == CONTENT


def test_a_finished_upload_answers_with_its_object_again(raw: Raw) -> None:
    location = raw.start("a", ifGenerationMatch=0).headers["Location"]
    first = raw.part(location, f"bytes 0-{SIZE - 1}/{SIZE}", CONTENT)
    assert raw.part(location, f"bytes 0-{SIZE - 1}/{SIZE}", CONTENT).json() == first.json()
    assert raw.part(location, f"bytes */{SIZE}").json() == first.json()


def test_an_upload_without_content_range_is_whole(raw: Raw) -> None:
    location = raw.start("a").headers["Location"]
    assert raw.session.put(location, data=b"whole", timeout=30).status_code == 200
    location = raw.start("empty").headers["Location"]
    assert raw.session.put(location, timeout=30).json()["size"] == "0"


@pytest.mark.parametrize(
    ("content_range", "part"),
    [
        ("bytes 0-99/300", bytes(100)),
        (f"bytes 0-{UNIT - 1}/*", bytes(UNIT - 1)),
        (f"bytes {UNIT}-{2 * UNIT - 1}/*", bytes(UNIT)),
        ("parts 1-2/3", b"xx"),
    ],
)
def test_a_part_that_does_not_fit_is_refused(raw: Raw, content_range: str, part: bytes) -> None:
    location = raw.start("a").headers["Location"]
    assert raw.part(location, content_range, part).status_code == 400
    assert "Range" not in raw.part(location, "bytes */*").headers


def test_an_unknown_upload_is_not_found(raw: Raw) -> None:
    location = raw.start("a").headers["Location"]
    assert raw.part(location + "0", "bytes */*").status_code == 404


def test_the_conditions_of_an_upload_hold_when_it_ends(raw: Raw) -> None:
    location = raw.start("a", ifGenerationMatch=0).headers["Location"]
    raw.made("a")
    assert raw.part(location, f"bytes 0-{SIZE - 1}/{SIZE}", CONTENT).status_code == 412
    assert raw.media("a").content == b"content"


def test_the_checksum_of_the_last_part_is_checked(raw: Raw) -> None:
    wrong = raw.made("other")["crc32c"]
    location = raw.start("a").headers["Location"]
    answer = raw.part(location, "bytes 0-2/3", b"abc", **{"X-Goog-Hash": f"crc32c={wrong}"})
    assert answer.status_code == 400
    assert raw.get("a").status_code == 404


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4))), st.binary(max_size=40))
def test_parts_sent_again_change_nothing(sent: list[tuple[int, int]], tail: bytes) -> None:
    content = bytes(range(4)) * UNIT
    session = Session("b", "", "a", {}, Conditions())
    for start, count in [*sent, (0, 4)]:
        kept = len(session.content)
        first, end = start * UNIT, min(start + count, 4) * UNIT
        try:
            assert not session.take(f"bytes {first}-{end - 1}/*", content[first:end])
        except Refusal:
            assert first > kept
        else:
            assert session.content == content[: max(kept, end)]
    size = len(content) + len(tail)
    last = f"bytes {len(content)}-{size - 1}/{size}" if tail else f"bytes */{size}"
    assert session.take(last, tail)
    assert session.draft("").content == content + tail

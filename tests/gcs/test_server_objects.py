"""Generations, preconditions, checksums and ranges, against Google's published rules."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.gcs.conftest import Raw
from tests.gcs.gcs_process import GCSServer

MiB = 2**20


def error(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    assert found["code"] == answer.status_code
    assert found["errors"][0]["message"] == found["message"]
    return found


def test_every_write_has_a_later_generation(raw: Raw) -> None:
    written = [raw.made(name) for name in ("a", "b", "a", "a", "c")]
    generations = [int(each["generation"]) for each in written]
    assert generations == sorted(set(generations))
    assert {each["metageneration"] for each in written} == {"1"}


def test_metadata_tells_size_checksums_and_links(raw: Raw) -> None:
    content = b"123456789"
    found = raw.made("a/b c.txt", content)
    assert found == raw.get("a/b c.txt").json()
    assert found["size"] == str(len(content))
    assert base64.b64decode(found["md5Hash"]) == hashlib.md5(content).digest()
    # The check value of https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-32-iscsi
    assert base64.b64decode(found["crc32c"]).hex() == "e3069283"
    assert found["id"] == f"{raw.bucket}/a/b c.txt/{found['generation']}"
    assert raw.session.get(found["mediaLink"], timeout=30).content == content
    assert raw.session.get(found["selfLink"], timeout=30).json() == found


def test_media_carries_generation_and_checksums(raw: Raw) -> None:
    found = raw.made("a", b"content")
    answer = raw.media("a")
    assert answer.content == b"content"
    assert answer.headers["x-goog-generation"] == found["generation"]
    assert answer.headers["x-goog-hash"] == f"crc32c={found['crc32c']},md5={found['md5Hash']}"
    assert answer.headers["x-goog-stored-content-length"] == "7"


def test_a_generation_that_was_overwritten_is_gone(raw: Raw) -> None:
    old, new = (raw.made("a", content)["generation"] for content in (b"old", b"new"))
    assert raw.media("a", generation=new).content == b"new"
    for answer in (raw.media("a", generation=old), raw.get("a", generation=old)):
        assert answer.status_code == 404
        assert error(answer)["errors"][0]["reason"] == "notFound"
    raw.ask("DELETE", raw.path("a"))
    assert raw.media("a", generation=new).status_code == 404


def test_what_is_missing_is_named(raw: Raw) -> None:
    assert error(raw.get("a"))["message"] == f"No such object: {raw.bucket}/a"
    for answer in (
        raw.ask("GET", "/storage/v1/b/nowhere"),
        raw.ask("GET", "/storage/v1/b/nowhere/o"),
        raw.ask("GET", "/storage/v1/b/nowhere/o/a"),
        raw.ask("POST", "/upload/storage/v1/b/nowhere/o?uploadType=media&name=a"),
    ):
        assert error(answer)["message"] == "The specified bucket does not exist."
    assert raw.ask("GET", "/storage/v1/nothing").status_code == 404


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=2-4", b"234"),
        ("bytes=7-", b"789"),
        ("bytes=-3", b"789"),
        ("bytes=-30", b"0123456789"),
        ("bytes=8-100", b"89"),
    ],
)
def test_ranges(raw: Raw, asked: str, expected: bytes) -> None:
    raw.made("a", b"0123456789")
    answer = raw.media("a", {"Range": asked})
    assert (answer.status_code, answer.content) == (206, expected)
    start = b"0123456789".index(expected)
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/10"


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=5-4", "bytes=-", "lines=1-2"])
def test_a_range_outside_is_refused(raw: Raw, asked: str) -> None:
    raw.made("a", b"0123456789")
    assert raw.media("a", {"Range": asked}).status_code == 416


# --- preconditions ---


def compose(raw: Raw, name: str, **query: Any) -> Any:
    body = {"sourceObjects": [{"name": "source"}]}
    return raw.ask("POST", raw.path(name) + "/compose", params=query, json=body)


WRITES = {
    "media": lambda raw, name, **query: raw.put(name, b"new", **query),
    "resumable": lambda raw, name, **query: raw.start(name, **query),
    "rewrite": lambda raw, name, **query: raw.rewrite("source", name, **query),
    "compose": compose,
}
CHANGES = {
    "patch": lambda raw, name, **query: raw.ask("PATCH", raw.path(name), params=query, json={}),
    "delete": lambda raw, name, **query: raw.ask("DELETE", raw.path(name), params=query),
}


@pytest.mark.parametrize("write", WRITES | CHANGES)
def test_a_write_on_a_false_condition_changes_nothing(raw: Raw, write: str) -> None:
    raw.made("source")
    before = raw.made("a", b"old")
    generation = int(before["generation"])
    call: Any = (WRITES | CHANGES)[write]
    for false in (
        {"ifGenerationMatch": 0},
        {"ifGenerationMatch": generation - 1},
        {"ifGenerationNotMatch": generation},
        {"ifMetagenerationMatch": 2},
        {"ifMetagenerationNotMatch": 1},
        {"ifGenerationMatch": generation, "ifMetagenerationMatch": 2},
    ):
        answer = call(raw, "a", **false)
        assert answer.status_code == 412, false
        assert error(answer)["errors"][0]["reason"] == "conditionNotMet"
        assert raw.get("a").json() == before
        assert raw.media("a").content == b"old"


@pytest.mark.parametrize("write", WRITES | CHANGES)
def test_a_write_on_a_true_condition_is_made(raw: Raw, write: str) -> None:
    raw.made("source")
    generation = raw.made("a", b"old")["generation"]
    call: Any = (WRITES | CHANGES)[write]
    true = {"ifGenerationMatch": generation, "ifMetagenerationMatch": 1, "ifGenerationNotMatch": 0}
    assert call(raw, "a", **true).ok


@pytest.mark.parametrize("write", WRITES)
def test_generation_zero_stands_for_an_object_that_does_not_exist(raw: Raw, write: str) -> None:
    raw.made("source")
    call: Any = WRITES[write]
    assert call(raw, "a", ifGenerationMatch=1).status_code == 412
    assert call(raw, "a", ifGenerationNotMatch=1).status_code == 412
    assert call(raw, "a", ifMetagenerationMatch=1).status_code == 412
    assert call(raw, "a", ifGenerationMatch=0).ok
    if write != "resumable":
        assert call(raw, "a", ifGenerationMatch=0).status_code == 412


def test_reads_have_conditions_too(raw: Raw) -> None:
    generation = raw.made("a")["generation"]
    for read in (raw.get, raw.media):
        assert read("a", ifGenerationMatch=generation).status_code == 200
        assert read("a", ifGenerationMatch=0).status_code == 412
        assert read("a", ifGenerationNotMatch=generation).status_code == 304
        assert read("a", ifMetagenerationNotMatch=1).status_code == 304
        assert read("a", ifGenerationMatch="x").status_code == 400
        assert read("b", ifGenerationMatch=0).status_code == 404


def test_of_many_writers_on_one_condition_one_succeeds(raw: Raw) -> None:
    def put(number: int, generation: str) -> Any:
        return Raw(raw.url, raw.bucket).put("a", bytes([number]), ifGenerationMatch=generation)

    generation = "0"
    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(put, range(8), [generation] * 8))
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        [(number, won)] = [(i, answer) for i, answer in enumerate(answers) if answer.ok]
        generation = won.json()["generation"]
        assert raw.media("a", generation=generation).content == bytes([number])


# --- changes in place ---


def test_a_patch_merges_and_keeps_the_generation(raw: Raw) -> None:
    before = raw.made("a")
    raw.ask("PATCH", raw.path("a"), json={"metadata": {"x": "1", "y": "2"}, "contentType": "t/t"})
    answer = raw.ask("PATCH", raw.path("a"), json={"metadata": {"x": None, "z": "ü"}, "size": "0"})
    after = answer.json()
    assert after["metadata"] == {"y": "2", "z": "ü"}
    assert (after["contentType"], after["size"]) == ("t/t", before["size"])
    assert (after["generation"], after["metageneration"]) == (before["generation"], "3")


def test_a_wrong_checksum_is_refused(raw: Raw) -> None:
    right = raw.made("right", b"content")
    for name in ("crc32c", "md5Hash"):
        assert raw.upload("a", {name: right[name]}, b"content").status_code == 200
        answer = raw.upload("b", {name: right[name]}, b"CONTENT")
        assert answer.status_code == 400
        assert "doesn't match" in error(answer)["message"]
    assert raw.get("b").status_code == 404


def test_metadata_is_limited_to_8_KiB(raw: Raw) -> None:  # noqa: N802
    raw.made("source")
    assert raw.rewrite("source", "a", {"metadata": {"key": "x" * 8189}}).ok
    answer = raw.rewrite("source", "a", {"metadata": {"key": "x" * 8190}})
    assert answer.status_code == 400
    assert raw.ask("PATCH", raw.path("a"), json={"metadata": {"k": "v"}}).status_code == 400


# --- rewrite and compose ---


def test_a_rewrite_takes_the_metadata_of_its_body(raw: Raw) -> None:
    fields = {"metadata": {"old": "1"}, "contentType": "a/b"}
    source = raw.upload("source", fields, b"content").json()
    kept = raw.rewrite("source", "kept").json()["resource"]
    assert (kept["metadata"], kept["contentType"]) == ({"old": "1"}, "a/b")
    own = raw.rewrite("source", "own", {"metadata": {"new": "2"}}).json()["resource"]
    assert own["metadata"] == {"new": "2"}
    assert "contentType" not in own
    assert own["md5Hash"] == source["md5Hash"]
    assert raw.media("own").content == b"content"
    assert raw.get("source").json() == source


def test_a_rewrite_names_its_source_exactly(raw: Raw) -> None:
    old = raw.made("source", b"old")["generation"]
    new = raw.made("source", b"new")["generation"]
    assert raw.rewrite("source", "a", sourceGeneration=old).status_code == 404
    assert raw.rewrite("source", "a", ifSourceGenerationMatch=old).status_code == 412
    assert raw.rewrite("source", "a", ifSourceGenerationNotMatch=new).status_code == 412
    assert raw.rewrite("nothing", "a").status_code == 404
    assert raw.get("a").status_code == 404
    assert raw.rewrite("source", "a", sourceGeneration=new, ifSourceGenerationMatch=new).ok


def test_a_large_rewrite_takes_several_calls(raw: Raw) -> None:
    raw.made("source", bytes(5 * MiB))
    query: dict[str, Any] = {"maxBytesRewrittenPerCall": 2 * MiB, "ifGenerationMatch": 0}
    for done in (2 * MiB, 4 * MiB):
        answer = raw.rewrite("source", "a", **query).json()
        assert not answer["done"]
        assert (answer["totalBytesRewritten"], answer["objectSize"]) == (str(done), str(5 * MiB))
        assert raw.get("a").status_code == 404
        query["rewriteToken"] = answer["rewriteToken"]
    assert raw.rewrite("source", "b", **query).status_code == 400
    answer = raw.rewrite("source", "a", **query).json()
    assert answer["done"]
    assert answer["resource"] == raw.get("a").json()
    assert raw.media("a").content == bytes(5 * MiB)


def test_the_conditions_of_a_rewrite_hold_when_it_ends(raw: Raw) -> None:
    raw.made("source", bytes(3 * MiB))
    query: dict[str, Any] = {"maxBytesRewrittenPerCall": 2 * MiB, "ifGenerationMatch": 0}
    query["rewriteToken"] = raw.rewrite("source", "a", **query).json()["rewriteToken"]
    raw.made("a")
    assert raw.rewrite("source", "a", **query).status_code == 412
    assert raw.media("a").content == b"content"


def test_composing_joins_and_has_no_md5(raw: Raw) -> None:
    one, two = raw.made("1", b"one "), raw.made("2", b"two")
    parts = [{"name": "1", "generation": one["generation"]}, {"name": "2"}]
    path = raw.path("both") + "/compose"
    answer = raw.ask("POST", path, json={"sourceObjects": parts, "destination": {"metadata": {}}})
    assert "md5Hash" not in answer.json()
    assert answer.json()["componentCount"] == 2
    assert raw.media("both").content == b"one two"
    parts[1]["objectPreconditions"] = {"ifGenerationMatch": int(two["generation"]) - 1}
    assert raw.ask("POST", path, json={"sourceObjects": parts}).status_code == 412
    assert raw.ask("POST", path, json={"sourceObjects": []}).status_code == 400


# --- buckets ---


def test_buckets(raw: Raw, gcs_server: GCSServer) -> None:
    path = f"/storage/v1/b/{raw.bucket}"
    assert raw.ask("GET", path).json()["name"] == raw.bucket
    assert raw.ask("POST", "/storage/v1/b", json={"name": raw.bucket}).status_code == 409
    raw.made("a")
    assert raw.ask("DELETE", path).status_code == 409
    assert raw.ask("DELETE", raw.path("a")).status_code == 204
    assert raw.ask("DELETE", path).status_code == 204
    assert raw.ask("GET", path).status_code == 404


def test_a_retention_policy_forbids_overwriting(gcs_server: GCSServer) -> None:
    raw = Raw(gcs_server.url, gcs_server.make_bucket(retentionPolicy={"retentionPeriod": "60"}))
    raw.made("a")
    for answer in (raw.put("a", b"new"), raw.ask("DELETE", raw.path("a"))):
        assert answer.status_code == 403
        assert error(answer)["errors"][0]["reason"] == "retentionPolicyNotMet"
    raw.session.close()

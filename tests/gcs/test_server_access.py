"""Who may do what, by Google's published permissions of each method."""

import json
from collections.abc import Callable, Iterator

import pytest
import requests

from tests.gcs import iam
from tests.gcs.conftest import Raw
from tests.gcs.gcs_process import GCSServer

# What each call needs: https://cloud.google.com/storage/docs/access-control/iam-json
NEEDS: dict[str, tuple[Callable[[Raw], requests.Response], set[str]]] = {
    "get": (lambda raw: raw.get("a"), {"storage.objects.get"}),
    "read": (lambda raw: raw.media("a"), {"storage.objects.get"}),
    "list": (lambda raw: raw.ask("GET", raw.path("")[:-1]), {"storage.objects.list"}),
    "create": (lambda raw: raw.put("new", b""), {"storage.objects.create"}),
    "begin": (lambda raw: raw.start("new"), {"storage.objects.create"}),
    "overwrite": (
        lambda raw: raw.put("a", b""),
        {"storage.objects.create", "storage.objects.delete"},
    ),
    "rewrite": (
        lambda raw: raw.rewrite("a", "new"),
        {"storage.objects.get", "storage.objects.create"},
    ),
    "rewrite over": (
        lambda raw: raw.rewrite("a", "b"),
        {"storage.objects.get", "storage.objects.create", "storage.objects.delete"},
    ),
    "patch": (lambda raw: raw.ask("PATCH", raw.path("a"), json={}), {"storage.objects.update"}),
    "delete": (lambda raw: raw.ask("DELETE", raw.path("a")), {"storage.objects.delete"}),
    "bucket": (lambda raw: raw.ask("GET", f"/storage/v1/b/{raw.bucket}"), {"storage.buckets.get"}),
}


@pytest.fixture
def alice(raw: Raw) -> Iterator[Raw]:
    """A named caller."""
    each = Raw(raw.url, raw.bucket, "alice")
    yield each
    each.session.close()


def test_permissions_of_roles_are_what_they_allow(
    gcs_server: GCSServer, raw: Raw, alice: Raw
) -> None:
    for role, permissions in iam.ROLES.items():
        for name, (call, needed) in NEEDS.items():
            raw.bucket = alice.bucket = gcs_server.make_bucket()
            raw.made("a")
            raw.made("b")
            policy = {"bindings": [{"role": role, "members": ["user:alice"]}]}
            raw.ask("PUT", f"/storage/v1/b/{raw.bucket}/iam", json=policy).raise_for_status()
            answer = call(alice)
            if needed <= permissions:
                assert answer.ok, (role, name)
            else:
                assert answer.status_code == 403, (role, name)
                missing = sorted(needed - permissions)
                assert any(each in answer.json()["error"]["message"] for each in missing)
            assert call(raw).status_code == 401, (role, name)


def test_permissions_are_told_when_asked_for(gcs_server: GCSServer, raw: Raw) -> None:
    gcs_server.grant(raw.bucket, "roles/storage.objectViewer")
    asked = {"permissions": ["storage.objects.get", "storage.objects.create"]}
    answer = raw.ask("GET", f"/storage/v1/b/{raw.bucket}/iam/testPermissions", params=asked)
    assert answer.json()["permissions"] == ["storage.objects.get"]


def test_permissions_on_an_object_are_told_when_it_exists(
    gcs_server: GCSServer, raw: Raw, alice: Raw
) -> None:
    raw.bucket = alice.bucket = gcs_server.make_bucket(
        iamConfiguration={"uniformBucketLevelAccess": {"enabled": True}}
    )
    raw.made("mine/a")
    raw.made("other/a")
    name = f"projects/_/buckets/{raw.bucket}/objects/mine/"
    condition = {"title": "mine", "expression": f'resource.name.startsWith("{name}")'}
    creator = {"role": "roles/storage.objectCreator", "members": ["user:alice"]}
    gcs_server.bind(raw.bucket, [creator | {"condition": condition}])
    asked = {"permissions": ["storage.objects.delete", "storage.objects.create"]}
    for path, granted in {"mine/a": ["storage.objects.create"], "other/a": []}.items():
        answer = alice.ask("GET", f"{alice.path(path)}/iam/testPermissions", params=asked)
        assert answer.json()["permissions"] == granted
    answer = alice.ask("GET", f"{alice.path('mine/b')}/iam/testPermissions", params=asked)
    assert answer.status_code == 404


def test_a_policy_reads_back(gcs_server: GCSServer, raw: Raw) -> None:
    gcs_server.grant(raw.bucket, "roles/storage.admin", "roles/storage.objectViewer")
    found = raw.ask("GET", f"/storage/v1/b/{raw.bucket}/iam").json()
    assert [each["role"] for each in found["bindings"]] == [
        "roles/storage.admin",
        "roles/storage.objectViewer",
    ]


def test_that_an_object_is_missing_only_those_who_may_list_are_told(
    gcs_server: GCSServer, raw: Raw
) -> None:
    raw.made("a")
    gcs_server.grant(raw.bucket, "roles/storage.objectCreator")
    assert raw.get("missing").status_code == 401
    answer = json.loads(raw.get("missing").text)
    assert "Anonymous caller" in answer["error"]["message"]


def test_the_address_of_an_upload_is_its_key(gcs_server: GCSServer, raw: Raw, alice: Raw) -> None:
    location = raw.start("a").headers["Location"]
    assert alice.part(location, "bytes 0-2/3", b"abc").status_code == 200


@pytest.mark.parametrize("header", ["Basic !", "Basic /w==", "Bearer token", ""])
def test_whoever_gives_no_name_is_anyone(header: str) -> None:
    assert iam.caller(header) == ""

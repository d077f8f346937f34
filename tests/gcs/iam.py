"""Who may do what in a bucket: its policy, with some of Google's predefined roles.

A caller is the user name in the server's URL (``http://alice:@127.0.0.1:9023``), which stands in a
policy as ``user:alice``; whoever gives no name is one of ``allUsers`` only.
See https://cloud.google.com/storage/docs/access-control/iam-roles.
"""

import base64
import binascii
from typing import Any

from tests.gcs.objects import Bucket, Refusal

READ = frozenset({"storage.objects.get", "storage.objects.list"})
WRITE = frozenset({"storage.objects.create", "storage.objects.delete", "storage.objects.update"})
BUCKET = frozenset(
    {"storage.buckets.get", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"}
)

ROLES = {
    "roles/storage.admin": READ | WRITE | BUCKET,
    "roles/storage.objectUser": READ | WRITE,
    "roles/storage.objectViewer": READ,
    "roles/storage.objectCreator": frozenset({"storage.objects.create"}),
    "roles/storage.legacyBucketReader": frozenset({"storage.buckets.get", "storage.objects.list"}),
}


def caller(authorization: str) -> str:
    """The user name of HTTP Basic authentication; empty without one."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def granted(bucket: Bucket, who: str) -> frozenset[str]:
    """The permissions of ``who`` in the bucket."""
    names = {"allUsers"} | ({f"user:{who}", "allAuthenticatedUsers"} if who else set())
    bindings: list[dict[str, Any]] = bucket.policy.get("bindings", [])
    roles = [binding["role"] for binding in bindings if names & set(binding["members"])]
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))


def require(bucket: Bucket, who: str, *permissions: str) -> None:
    """Refuse with 403, or 401 to the nameless, what the caller may not do."""
    for permission in permissions:
        if permission not in granted(bucket, who):
            resource = "object" if ".objects." in permission else "bucket"
            message = (
                f"{who or 'Anonymous caller'} does not have {permission} access to the Google "
                f"Cloud Storage {resource}. Permission '{permission}' denied on resource (or it "
                "may not exist)."
            )
            raise Refusal(403 if who else 401, "forbidden" if who else "required", message)

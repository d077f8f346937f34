"""Who may do what in a bucket: its policy, with some of Google's predefined roles.

A caller is the user name in the server's URL (``http://alice:@127.0.0.1:9023``), which stands in a
policy as ``user:alice``; whoever gives no name is one of ``allUsers`` only. A binding may have a
condition on names (:mod:`tests.gcs.conditions`).
See https://cloud.google.com/storage/docs/access-control/iam-roles.
"""

import base64
import binascii
from typing import Any

from tests.gcs import conditions
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


def check_policy(bucket: Bucket, policy: dict[str, Any]) -> None:
    """Refuse a policy with conditions where Google does."""
    if not any("condition" in binding for binding in policy.get("bindings", [])):
        return
    if policy.get("version") != 3:
        raise Refusal(400, "invalid", "Conditions need a policy of version 3.")
    uniform = bucket.fields.get("iamConfiguration", {}).get("uniformBucketLevelAccess", {})
    if not uniform.get("enabled"):
        message = "Conditions need a bucket with uniform bucket-level access."
        raise Refusal(412, "conditionNotMet", message)


def granted(bucket: Bucket, who: str, name: str = "") -> frozenset[str]:
    """The permissions of ``who`` on the object of that name, or without a name on the bucket."""
    members = {"allUsers"} | ({f"user:{who}", "allAuthenticatedUsers"} if who else set())
    resource = f"projects/_/buckets/{bucket.name}" + (f"/objects/{name}" if name else "")
    bindings: list[dict[str, Any]] = bucket.policy.get("bindings", [])
    roles = [
        binding["role"]
        for binding in bindings
        if members & set(binding["members"])
        and ("condition" not in binding or _holds(binding["condition"], resource))
    ]
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))


def _holds(condition: dict[str, str], resource: str) -> bool:
    return conditions.holds(condition["expression"], resource)


def require(bucket: Bucket, who: str, *permissions: str, name: str = "") -> None:
    """Refuse with 403, or 401 to the nameless, what the caller may not do to an object."""
    for permission in permissions:
        if permission not in granted(bucket, who, name):
            resource = "object" if ".objects." in permission else "bucket"
            message = (
                f"{who or 'Anonymous caller'} does not have {permission} access to the Google "
                f"Cloud Storage {resource}. Permission '{permission}' denied on resource (or it "
                "may not exist)."
            )
            raise Refusal(403 if who else 401, "forbidden" if who else "required", message)

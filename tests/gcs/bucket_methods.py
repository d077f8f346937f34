"""The methods of buckets: insert, get, delete, and who may do what."""

from tests.gcs import iam
from tests.gcs.api import API, Request, Response, route
from tests.gcs.uploads import fields_of


@route("POST", "/storage/v1/b", "buckets.insert")
def insert_bucket(api: API, request: Request) -> Response:
    """Make a bucket."""
    return Response.json(api.store.make_bucket(fields_of(request.body)).resource)


@route("GET", "/storage/v1/b/{bucket}", "buckets.get")
def get_bucket(api: API, request: Request, bucket: str) -> Response:
    """A bucket's metadata."""
    api.allow(request, bucket, "storage.buckets.get")
    return Response.json(api.store.bucket(bucket).resource)


@route("DELETE", "/storage/v1/b/{bucket}", "buckets.delete")
def delete_bucket(api: API, request: Request, bucket: str) -> Response:
    """Remove an empty bucket."""
    api.store.delete_bucket(bucket)
    return Response(204)


@route("GET", "/storage/v1/b/{bucket}/iam", "buckets.getIamPolicy")
def get_policy(api: API, request: Request, bucket: str) -> Response:
    """Who has which role."""
    api.allow(request, bucket, "storage.buckets.getIamPolicy")
    return Response.json(
        {"kind": "storage#policy", "etag": "CAE=", "version": 1} | api.store.bucket(bucket).policy
    )


@route("PUT", "/storage/v1/b/{bucket}/iam", "buckets.setIamPolicy")
def set_policy(api: API, request: Request, bucket: str) -> Response:
    """Say who has which role."""
    api.allow(request, bucket, "storage.buckets.setIamPolicy")
    sent = fields_of(request.body)
    policy = {"version": sent.get("version", 1), "bindings": sent.get("bindings", [])}
    iam.check_policy(api.store.bucket(bucket), policy)
    api.store.bucket(bucket).policy = policy
    return Response.json({"kind": "storage#policy", "etag": "CAE="} | policy)


@route("GET", "/storage/v1/b/{bucket}/iam/testPermissions", "buckets.testIamPermissions")
def permitted(api: API, request: Request, bucket: str) -> Response:
    """Which of the permissions asked about the caller has."""
    granted = iam.granted(api.store.bucket(bucket), request.who)
    asked = [name for name in request.query.get("permissions", []) if name in granted]
    return Response.json({"kind": "storage#testIamPermissionsResponse", "permissions": asked})

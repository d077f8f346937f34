"""Raw requests to the storage server, as an HTTP library sends them."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.gcs.gcs_process import GCSServer


class Raw:
    """Requests about one bucket, without Google's client library."""

    def __init__(self, url: str, bucket: str, who: str = "") -> None:
        self.url = url
        self.bucket = bucket
        self.session = requests.Session()
        if who:
            self.session.headers["Authorization"] = (
                f"Basic {base64.b64encode(f'{who}:'.encode()).decode()}"
            )

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request below the server's address."""
        return self.session.request(method, self.url + path, timeout=30, **options)

    def path(self, name: str) -> str:
        """The path of an object."""
        return f"/storage/v1/b/{self.bucket}/o/{quote(name, safe='')}"

    def put(self, name: str, content: bytes, **query: Any) -> requests.Response:
        """Upload in one request, without metadata."""
        query = {"uploadType": "media", "name": name} | query
        path = f"/upload/storage/v1/b/{self.bucket}/o"
        return self.ask("POST", path, params=query, data=content)

    def made(self, name: str, content: bytes = b"content") -> dict[str, Any]:
        """The metadata of an object that was just uploaded."""
        answer = self.put(name, content)
        assert answer.status_code == 200, answer.text
        resource: dict[str, Any] = answer.json()
        return resource

    def get(self, name: str, **query: Any) -> requests.Response:
        """An object's metadata."""
        return self.ask("GET", self.path(name), params=query)

    def media(self, name: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        """An object's content."""
        return self.ask("GET", self.path(name), params={"alt": "media"} | query, headers=headers)

    def start(self, name: str, fields: object = None, **query: Any) -> requests.Response:
        """Begin a resumable upload."""
        query = {"uploadType": "resumable", "name": name} | query
        path = f"/upload/storage/v1/b/{self.bucket}/o"
        return self.ask("POST", path, params=query, json=fields or {})

    def part(self, location: str, content_range: str, content: bytes = b"", **headers: str) -> Any:
        """Send a part of a resumable upload."""
        headers = {"Content-Range": content_range} | headers
        return self.session.put(location, data=content, headers=headers, timeout=30)

    def upload(self, name: str, fields: object, content: bytes, **query: Any) -> Any:
        """A resumable upload in one part."""
        location = self.start(name, fields, **query).headers["Location"]
        return self.part(location, f"bytes 0-{len(content) - 1}/{len(content)}", content)

    def rewrite(
        self, source: str, target: str, fields: object = None, **query: Any
    ) -> requests.Response:
        """Copy an object."""
        path = f"{self.path(source)}/rewriteTo{self.path(target).removeprefix('/storage/v1')}"
        return self.ask("POST", path, params=query, json=fields)


@pytest.fixture
def raw(gcs_server: GCSServer) -> Iterator[Raw]:
    """Requests about a new bucket."""
    each = Raw(gcs_server.url, gcs_server.make_bucket())
    yield each
    each.session.close()

"""Every way in which Google says no, or nothing at all, is one sentence of ours."""

import http.server
import io
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import credentials as google_credentials
from google.auth.compute_engine import Credentials as MachineCredentials
from google.oauth2.credentials import Credentials as UserCredentials

from registry.backend import Blob
from registry.errors import (
    Forbidden,
    NotFound,
    PreconditionFailed,
    RegistryError,
    Unreachable,
)
from registry.gcs import GCSBackend
from registry.gcs_errors import Asked, identity, translate
from tests.gcs.gcs_process import GCSServer
from tests.http_server import answering

MiB = 2**20
STAGE = "production/best_model.hdf5"


def put(backend: GCSBackend, name: str, content: bytes) -> Blob:
    return backend.create(name, io.BytesIO(content))


ANY = Blob("versions/a/m", 1, 1)


def every_method(
    backend: GCSBackend, source: Blob = ANY
) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "stat", lambda: backend.stat(source.name)
    yield "list", lambda: list(backend.list("versions/"))
    yield "read", lambda: backend.read(source, io.BytesIO())
    yield "create", lambda: put(backend, "versions/new/m", b"1")
    yield "create large", lambda: put(backend, "versions/newer/m", bytes(9 * MiB))
    yield "replace", lambda: backend.replace_if(STAGE, source, {}, 0)


def told(call: Callable[[], object], kind: type[RegistryError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("gcs_bucket")
def test_a_missing_bucket_is_named() -> None:
    backend = GCSBackend("no-such-bucket", "models", timeout=20)
    for name, call in every_method(backend):
        message = told(call, NotFound)
        if name != "read":
            assert message == (
                "there is no bucket gs://no-such-bucket: create it or correct REGISTRY_URL"
            )
    assert backend.diagnose().problems == (
        "there is no bucket gs://no-such-bucket: create it or correct REGISTRY_URL",
    )


@pytest.fixture(params=["", "alice"])
def caller(request: pytest.FixtureRequest, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who calls: no one in particular, who is answered 401, or somebody, who is answered 403."""
    name: str = request.param
    if name:
        url = os.environ["STORAGE_EMULATOR_HOST"].replace("http://", f"http://{name}:@")
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    return name


@pytest.mark.usefixtures("caller")
@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        ("roles/storage.objectViewer", {"create", "create large", "replace"}),
        ("roles/storage.objectCreator", {"stat", "list", "read", "replace"}),
        ("roles/storage.legacyBucketReader", {"stat", "read", "create", "create large", "replace"}),
    ],
)
def test_a_missing_permission_is_named_with_a_role_that_has_it(
    gcs_backend: GCSBackend, gcs_server: GCSServer, gcs_bucket: str, role: str, forbidden: set[str]
) -> None:
    source = put(gcs_backend, "versions/a/m", b"model")
    gcs_server.grant(gcs_bucket, role)
    for name, call in every_method(gcs_backend, source):
        if name in forbidden:
            message = told(call, Forbidden)
            assert message.startswith("anonymous lacks storage.objects.")
            assert f"gs://{gcs_bucket}/models/digits/" in message
            assert "grant it roles/storage.object" in message


@pytest.mark.usefixtures("caller")
def test_replacing_takes_the_permission_to_delete(
    gcs_backend: GCSBackend, gcs_server: GCSServer, gcs_bucket: str
) -> None:
    source = put(gcs_backend, "versions/a/m", b"model")
    stage = gcs_backend.replace_if(STAGE, source, {}, 0)
    gcs_server.grant(gcs_bucket, "roles/storage.objectCreator", "roles/storage.objectViewer")
    message = told(lambda: gcs_backend.replace_if(STAGE, source, {}, stage.generation), Forbidden)
    assert "lacks storage.objects.delete" in message
    assert "grant it roles/storage.objectUser" in message


@pytest.mark.parametrize("caller", ["alice"], indirect=True)
def test_who_may_create_but_not_overwrite_is_told_that_it_exists(
    gcs_server: GCSServer, gcs_bucket: str, caller: str
) -> None:
    backend = GCSBackend(gcs_bucket, "models", timeout=20)
    put(backend, "versions/a/card.json", b"{}")
    gcs_server.grant(gcs_bucket, "roles/storage.objectCreator")
    told(lambda: put(backend, "versions/a/card.json", b"{}"), PreconditionFailed)


def test_metadata_beyond_the_limit_is_refused(gcs_backend: GCSBackend) -> None:
    source = put(gcs_backend, "versions/a/m", b"model")
    message = told(
        lambda: gcs_backend.replace_if(STAGE, source, {"why": "x" * 9000}, 0), RegistryError
    )
    assert "answered 400: The custom metadata is larger than 8 KiB" in message


def test_a_server_that_stays_unavailable_is_given_up(
    gcs_server: GCSServer, gcs_bucket: str
) -> None:
    backend = GCSBackend(gcs_bucket, "models", timeout=0.5)
    for _, call in every_method(backend):
        for operation in ("write", "objects.get", "objects.list"):
            gcs_server.fail(operation=operation, times=10_000)
        message = told(call, Unreachable)
        assert f"{gcs_server.url} answered 503: Backend Error" in message
        assert message.startswith(f"gs://{gcs_bucket}/models/")
        gcs_server.behave()


# --- no answer ---


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def untrusted() -> Iterator[str]:
    """The address of a server whose certificate nobody knows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with answering(server) as url:
        yield url.replace("http:", "https:")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("closed", "Connection refused"),
        ("silent", "Read timed out"),
        ("untrusted", "unable to get local issuer certificate"),
    ],
)
def test_where_there_is_no_answer_the_reason_is_told(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    url = request.getfixturevalue(address)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    backend = GCSBackend("some-bucket", "models", timeout=0.4)
    for _, call in every_method(backend):
        message = told(call, Unreachable)
        assert message.startswith("gs://some-bucket/models/")
        assert f"cannot be reached: {url}: " in message
        assert reason in message
    [problem] = backend.diagnose().problems
    assert reason in problem


@pytest.mark.parametrize("address", ["127.0.0.1:9023", "localhost:9023", "http://"])
def test_an_address_that_is_no_url_is_told(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    message = told(lambda: GCSBackend("some-bucket", "", timeout=5).stat("a"), Unreachable)
    assert f"STORAGE_EMULATOR_HOST={address} is no URL such as http://127.0.0.1:9023" in message


# --- credentials ---


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gcs_server: GCSServer) -> Path:
    """A service account's key, whose tokens our server will not give."""

    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "key.json"
    fields = {
        "type": "service_account",
        "client_email": "gate@project.iam.gserviceaccount.com",
        "private_key": private.decode(),
        "token_uri": f"{gcs_server.url}/token",
    }
    path.write_text(json.dumps(fields))
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", gcs_server.url)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return path


def test_a_program_is_known_by_its_service_account(key: Path, gcs_server: GCSServer) -> None:
    backend = GCSBackend(gcs_server.make_bucket(), "models", timeout=5)
    message = told(lambda: backend.stat("a"), Forbidden)
    assert "credentials of service account gate@project.iam.gserviceaccount.com" in message
    found = backend.diagnose()
    assert found.identity == "service account gate@project.iam.gserviceaccount.com"
    assert "renew them or use others" in found.problems[0]


@pytest.mark.parametrize("content", [None, "", "{}", "{"])
def test_credentials_that_cannot_be_used_are_told_at_once(key: Path, content: str | None) -> None:
    if content is None:
        key.unlink()
    else:
        key.write_text(content)
    backend = GCSBackend("some-bucket", "models", timeout=5)
    for _, call in every_method(backend):
        message = told(call, Forbidden)
        assert "there are no credentials for gs://some-bucket/models/" in message
        assert "gcloud auth application-default login" in message
        assert str(key) in message
    found = backend.diagnose()
    assert found.identity == "nobody"
    assert "there are no credentials" in found.problems[0]


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (google_credentials.AnonymousCredentials(), "anonymous"),
        (MachineCredentials(service_account_email="a@b"), "service account a@b"),
        (UserCredentials("token", account="a@example.com"), "user a@example.com"),
        (UserCredentials("token"), "user of unknown name"),
    ],
)
def test_whom_google_sees(credentials: google_credentials.Credentials, expected: str) -> None:
    assert identity(credentials) == expected


def test_an_error_of_our_own_is_not_taken_for_one_of_theirs() -> None:
    assert translate(KeyError("a"), Asked("gs://b/a", "p", "me", "https://x")) is None

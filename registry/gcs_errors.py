"""The errors of Google's libraries as ours: a sentence that names bucket, object and remedy."""

import os
import re
from dataclasses import dataclass
from http import HTTPStatus

import requests
import urllib3
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.storage.exceptions import DataCorruption

from registry.errors import (
    Corrupt,
    Forbidden,
    NotFound,
    PreconditionFailed,
    RegistryError,
    Unreachable,
)

# The address of a storage server that stands in for Google's; the library reads it too.
EMULATOR = "STORAGE_EMULATOR_HOST"


@dataclass(frozen=True)
class Need:
    """What the stages need a permission for, and a predefined role that has it."""

    purpose: str
    role: str


# https://cloud.google.com/storage/docs/access-control/iam-roles
NEEDS = {
    "storage.objects.get": Need("reading models and records", "roles/storage.objectViewer"),
    "storage.objects.list": Need("listing versions and logs", "roles/storage.objectViewer"),
    "storage.objects.create": Need("publishing, gating and promoting", "roles/storage.objectUser"),
    "storage.objects.delete": Need("replacing what a stage holds", "roles/storage.objectUser"),
}

NOT_A_URL = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
)
NO_ANSWER = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    auth.TransportError,
    ConnectionError,
)


@dataclass(frozen=True)
class Asked:
    """What was asked, of whom and by whom, when an error came.

    Attributes:
        url: the object's ``gs://`` address.
        permission: what the call needs; where the answer names another one, that is told instead.
        identity: who asked.
        endpoint: the address of the server.
    """

    url: str
    permission: str
    identity: str
    endpoint: str


def identity(credentials: Credentials) -> str:
    """Whom Google sees: a person, a program's service account, or anyone."""
    if isinstance(credentials, AnonymousCredentials):
        return "anonymous"
    if address := getattr(credentials, "service_account_email", None):
        return f"service account {address}"
    return f"user {getattr(credentials, 'account', '') or 'of unknown name'}"


def without_credentials(url: str, error: auth.GoogleAuthError) -> Forbidden:
    """Our error for credentials that are missing or cannot be read."""
    return Forbidden(
        f"there are no credentials for {url}: run `gcloud auth application-default login`, or set "
        f"GOOGLE_APPLICATION_CREDENTIALS to a service account's key file ({_first(error)})"
    )


def translate(error: Exception, asked: Asked) -> RegistryError | None:
    """Our error for one of the libraries'; None for an error that is none of theirs."""
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        error = error.cause
    if isinstance(error, DataCorruption):
        return Corrupt(f"{asked.url} was damaged on the way: its checksum is another on arrival")
    response = getattr(error, "response", None)
    if response is not None:
        return _refused(response, asked)
    if isinstance(error, NOT_A_URL):
        return Unreachable(
            f"{asked.url} cannot be reached: {EMULATOR}={os.environ.get(EMULATOR)} is no URL such "
            "as http://127.0.0.1:9023"
        )
    if isinstance(error, NO_ANSWER):
        return Unreachable(f"{asked.url} cannot be reached: {asked.endpoint}: {_reason(error)}")
    if isinstance(error, auth.InvalidOperation):
        # An anonymous caller was answered 401, and the library looked for a newer token.
        return _forbidden(asked.permission, f"{asked.endpoint} answered 401", asked)
    if isinstance(error, auth.GoogleAuthError):
        return Forbidden(
            f"the credentials of {asked.identity} are not accepted for {asked.url}: renew them or "
            f"use others ({_first(error)})"
        )
    return None


def _refused(response: requests.Response, asked: Asked) -> RegistryError:
    status, said = response.status_code, _said(response)
    answer = f"{asked.endpoint} answered {status}: {said}"
    match status:
        case HTTPStatus.NOT_FOUND:
            return NotFound(f"{asked.url} does not exist")
        case HTTPStatus.PRECONDITION_FAILED:
            return PreconditionFailed(f"{asked.url} was written by another since it was looked at")
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            named = re.search(r"storage\.\w+\.\w+", said)
            return _forbidden(named[0] if named else asked.permission, answer, asked)
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_MANY_REQUESTS:
            return Unreachable(f"{asked.url} cannot be reached: {answer}")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreachable(f"{asked.url} cannot be reached: {answer}")
    return RegistryError(f"{asked.url} is not accepted: {answer}")


def _forbidden(permission: str, answer: str, asked: Asked) -> Forbidden:
    role = NEEDS[permission].role if permission in NEEDS else "a role that has it"
    return Forbidden(
        f"{asked.identity} lacks {permission} for {asked.url}: grant it {role} on the bucket "
        f"({answer})"
    )


def _said(response: requests.Response) -> str:
    """The sentence in an error's body: JSON from Google, anything at all from a proxy."""
    try:
        return str(response.json()["error"]["message"]).strip()
    except (ValueError, LookupError, TypeError):
        return str(response.reason)


def _first(error: auth.GoogleAuthError) -> str:
    """What it says; the rest of what it carries is the body of an answer."""
    return str(error.args[0]).rstrip(".") if error.args else type(error).__name__


def _reason(error: BaseException) -> str:
    """The last words of the innermost error, as requests wraps urllib3, and that the socket."""
    for inner in (getattr(error, "reason", None), *reversed(error.args)):
        if isinstance(inner, BaseException):
            return _reason(inner)
    return str(error).rpartition(": ")[2] or type(error).__name__

"""A server with accounts: it is as its description says, and counts whom a proxy tells of."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from flask import Flask
from openapi_pydantic import OpenAPI

from api.accounts.accounts import Accounts
from api.accounts.users import Account
from api.app import PROBES
from api.server import Server, listen
from api.settings import ServeSettings
from tests.api.accounts.conftest import bearer
from tests.api.processes import ROOT
from tests.api.test_openapi import FOREVER
from tests.nginx.proxies import free_port

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "10")


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind of database will do here."""
    return f"sqlite:///{tmp_path}/database.sqlite"


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    """Where the service runs."""
    port = free_port()
    server = Server(app, listen("127.0.0.1", port), ServeSettings(), PROBES)
    with ThreadPoolExecutor(1) as thread:
        finished = thread.submit(server.run)
        yield f"http://127.0.0.1:{port}"
        server.stop()
        assert finished.result(FOREVER)


def test_the_document_is_valid(app: Flask) -> None:
    OpenAPI.model_validate(app.test_client().get("/openapi.json").json)


@pytest.mark.parametrize("changed", [{"proxies": 1, "login_rate": "2/hour"}])
def test_the_address_that_a_proxy_tells_reaches_the_count(url: str) -> None:
    def ask(name: str, address: str) -> int:
        body, headers = {"name": name, "password": "x"}, {"X-Forwarded-For": f"6.6.6.6, {address}"}
        return requests.post(f"{url}/token", json=body, headers=headers, timeout=60).status_code

    asked = [ask(f"user{number}", "1.2.3.4") for number in range(3)]
    assert [*asked, ask("anna", "1.2.3.5")] == [401, 401, 429, 401]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("changed", [{"request_rate": "1000000/minute"}])
def test_schemathesis_finds_accounts_as_described(
    url: str, tmp_path: Path, accounts: Accounts, people: dict[str, Account]
) -> None:
    token = bearer(accounts, people["operator"])["Authorization"]
    ended = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            "run",
            f"{url}/openapi.json",
            "--include-path-regex=^/(token|register-user|users|service-info|init)",
            f"--header=Authorization: {token}",
            "--checks=all",
            f"--max-examples={EXAMPLES}",
            "--seed=1",
            "--generation-database=none",
            "--no-color",
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr

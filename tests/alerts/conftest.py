"""Certificates, and settings that point at a test's own mail server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from alerts.settings import AlertSettings
from tests.alerts.smtp_process import SMTPServer


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that no machine trusts by itself."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """The authority's certificate in a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> Callable[[str], str]:
    """A maker of a server's key and certificate for a name or address, in one file."""

    def issue(name: str) -> str:
        path = tmp_path / f"{name}.pem"
        authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(path)
        return str(path)

    return issue


@pytest.fixture
def settings_for() -> Callable[..., AlertSettings]:
    """A maker of settings that send to a server, changed by field names."""

    def make(server: SMTPServer, **changes: Any) -> AlertSettings:
        fields: dict[str, Any] = {
            "smtp_host": server.host,
            "smtp_port": server.port,
            "smtp_tls": "none",
            "sender": "classifier@example.com",
            "recipients": ("ops@example.com",),
            "timeout": 30,
        }
        return AlertSettings(**fields | changes)

    return make

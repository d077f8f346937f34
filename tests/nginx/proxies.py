"""nginx as a process of its own, with the configuration that production has."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import requests
import trustme

from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
CONFIGURATION = ROOT / "nginx" / "nginx.conf"
WITHIN = 60.0  # seconds; no test waits for as long unless it fails


def directive(name: str) -> str:
    """The value that the configuration gives to a directive."""
    found = re.findall(rf"^\s*{name} (.+?);", CONFIGURATION.read_text(), re.MULTILINE)
    assert len(found) == 1, (name, found)
    return str(found[0])


def replaced(text: str, old: str, new: str) -> str:
    """``text`` with what must be in it exchanged."""
    assert old in text, old
    return text.replace(old, new)


class Proxy:
    """nginx on free ports; leaving the block ends it in order.

    Args:
        folder: for its files, its log and its certificate.
        upstreams: the ports of the services behind it.
        changed: other values of directives, for tests that cannot wait.
    """

    def __init__(
        self, folder: Path, upstreams: Sequence[int], changed: Mapping[str, str] | None = None
    ) -> None:
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._folder = folder
        self._certify(folder)
        path = folder / "nginx.conf"
        path.write_text(self._configuration(upstreams, changed or {}))
        # As root, nginx would take the rights of a user to whom the test's folder is closed.
        user = "user root; " if os.geteuid() == 0 else ""
        with self._file("access").open("wb") as access, self._file("error").open("wb") as error:
            self.process = subprocess.Popen(
                ["nginx", "-c", str(path), "-g", f"{user}daemon off;"], stdout=access, stderr=error
            )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + WITHIN
        while True:
            try:
                self.connect().close()
                return self
            except ConnectionRefusedError:
                assert self.process.poll() is None, self._file("error").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGQUIT)
        try:
            assert self.process.wait(WITHIN) == 0
        finally:
            self.process.kill()

    def connect(self) -> ssl.SSLSocket:
        """A connection over TLS."""
        plain = socket.create_connection(("127.0.0.1", self.port), WITHIN)
        return self._context.wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, method: str, path: str = "/", **options: Any) -> requests.Response:
        """One request on a connection of its own."""
        options = {"timeout": WITHIN, "allow_redirects": False, "verify": self.authority} | options
        return requests.request(method, self.url + path, **options)

    def session(self) -> requests.Session:
        """Requests on one connection."""
        session = requests.Session()
        session.verify = self.authority
        session.trust_env = False  # which would name other authorities
        return session

    def lines(self, count: int) -> list[dict[str, Any]]:
        """The first ``count`` lines of the access log, once there are so many."""
        until(lambda: len(self.written) >= count, lambda: self.written)
        return self.written[:count]

    @property
    def written(self) -> list[dict[str, Any]]:
        """The lines of the access log until now."""
        lines = self._file("access").read_bytes().splitlines()
        return [json.loads(line.decode(errors="replace")) for line in lines]

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _certify(self, folder: Path) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        self.authority = str(folder / "authority.pem")
        authority.cert_pem.write_to_path(self.authority)
        self._context = ssl.create_default_context(cafile=self.authority)
        certificate.private_key_pem.write_to_path(str(folder / "tls_key"))
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(str(folder / "tls_certificate"), append=True)

    def _configuration(self, upstreams: Sequence[int], changed: Mapping[str, str]) -> str:
        servers = "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in upstreams)
        text = CONFIGURATION.read_text()
        text = replaced(text, "server api:8000 max_fails=0;", servers)
        text = replaced(text, "listen 8443 ssl;", f"listen 127.0.0.1:{self.port} ssl;")
        text = replaced(text, "listen 8080;", f"listen 127.0.0.1:{self.plain_port};")
        text = replaced(text, "/tmp/", f"{self._folder}/")
        text = replaced(text, "/run/secrets/", f"{self._folder}/")
        for name, value in changed.items():
            text = replaced(text, f"{name} {directive(name)};", f"{name} {value};")
        return text

"""Asking pods: for their figures, and for the classes of images."""

import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from rollout.figures import Reading, read

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pods:
    """The pods behind some addresses.

    Attributes:
        addresses: as ``http://host:port``; every address of the host is a pod.
        routes: whose requests count.
        slow_seconds: the bound above which a request is slow.
        timeout: seconds that a pod has for an answer.
    """

    addresses: Sequence[str]
    routes: Sequence[str]
    slow_seconds: float
    timeout: float

    def read(self) -> dict[str, Reading | None]:
        """The figures of every pod; None of those that do not answer with any.

        Raises:
            Unreadable: a pod answers with something else.
        """
        return {url: self._read(url) for url in self.urls()}

    def urls(self) -> list[str]:
        """Every pod, as the names resolve now."""
        return sorted({url for address in self.addresses for url in _resolve(address)})

    def ready(self, url: str) -> bool:
        """Whether a pod has a model."""
        try:
            return requests.get(f"{url}/ready", timeout=self.timeout).ok
        except requests.RequestException:
            return False

    def _read(self, url: str) -> Reading | None:
        try:
            answer = requests.get(f"{url}/metrics", timeout=self.timeout)
            answer.raise_for_status()
        except requests.RequestException as error:
            logger.warning("%s has no figures: %s", url, error)
            return None
        return read(answer.text, self.routes, self.slow_seconds)


def _resolve(address: str) -> set[str]:
    parts = urlsplit(address)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except OSError as error:  # a name without a pod does not exist
        logger.warning("%s has no address: %s", address, error)
        return set()
    hosts = {str(sockaddr[0]) for *_, sockaddr in found}
    return {
        f"http://[{host}]:{parts.port}" if ":" in host else f"http://{host}:{parts.port}"
        for host in hosts
    }

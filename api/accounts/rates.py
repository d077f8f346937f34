"""How often somebody may ask, counted by each process for itself."""

import ipaddress
import math
import time
from collections.abc import Sequence

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.accounts.errors import TooOften
from process.settings import SettingsError


class Rate:
    """At most so many requests in any stretch of time, for each key by itself.

    Args:
        text: how many, as ``10/minute``.
        variable: the setting that says so.

    Raises:
        SettingsError: the text does not say how many in which time.
    """

    def __init__(self, text: str, variable: str) -> None:
        self._item = _parse(text, variable)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def count(self, kind: str, key: str) -> None:
        """Count a request.

        Args:
            kind: what the key is, as ``address``; keys of each kind are counted apart.
            key: who asks.

        Raises:
            TooOften: it is one too many.
        """
        if not self._limiter.hit(self._item, kind, key):
            reset = self._limiter.get_window_stats(self._item, kind, key).reset_time
            seconds = max(1, math.ceil(reset - time.time()))
            raise TooOften(
                f"this {kind} may ask {self._item}: try again in {seconds} seconds", seconds
            )


def _parse(text: str, variable: str) -> RateLimitItem:
    try:
        item = parse(text)
    except ValueError:
        item = None
    if item is None or item.amount < 1:
        raise SettingsError(f"{variable}: {text!r} is no rate: write one as 10/minute")
    return item


def network(forwarded: Sequence[str], remote: str, proxies: int) -> str:
    """Whose request it is: an address of IPv4, or the network of one of IPv6.

    Whoever has one address of IPv6 has the other 2⁶⁴ of its network as well.

    Args:
        forwarded: the addresses in ``X-Forwarded-For``, of which a caller can invent all that
            are not added by our proxies.
        remote: the other end of the connection.
        proxies: how many of ours the request passed.
    """
    route = [*forwarded, remote]
    sender = route[max(0, len(route) - 1 - proxies)]
    try:
        address = ipaddress.ip_address(sender)
    except ValueError:
        return remote
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((int(address), 64), strict=False))

"""Who may ask how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.errors import TooOften
from api.accounts.rates import Rate, network
from process.settings import SettingsError


def test_each_key_may_ask_so_often() -> None:
    rate = Rate("3/hour", "ACCOUNTS_LOGIN_RATE")
    for _ in range(3):
        rate.count("address", "a")
    for _ in range(2):
        with pytest.raises(TooOften, match="this address may ask 3 per 1 hour") as caught:
            rate.count("address", "a")
        assert 1 <= int(caught.value.headers["Retry-After"]) <= 3600
    rate.count("address", "b")
    rate.count("name", "a")


@pytest.mark.parametrize("text", ["", "often", "10", "0/minute", "-1/minute", "1/fortnight"])
def test_what_is_no_rate_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"ACCOUNTS_LOGIN_RATE.*write one as 10/minute"):
        Rate(text, "ACCOUNTS_LOGIN_RATE")


@pytest.mark.parametrize(
    ("forwarded", "remote", "proxies", "found"),
    [
        ([], "10.0.0.1", 0, "10.0.0.1"),
        (["1.2.3.4"], "10.0.0.1", 0, "10.0.0.1"),
        (["1.2.3.4"], "10.0.0.1", 1, "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4"], "10.0.0.1", 1, "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4", "10.0.0.2"], "10.0.0.1", 2, "1.2.3.4"),
        ([], "10.0.0.1", 2, "10.0.0.1"),
        (["nonsense"], "10.0.0.1", 1, "10.0.0.1"),
        ([], "2001:db8::1", 0, "2001:db8::/64"),
        ([], "2001:db8::ffff:1", 0, "2001:db8::/64"),
        ([], "::ffff:1.2.3.4", 0, "1.2.3.4"),
        ([], "", 0, ""),
    ],
)
def test_the_address_is_that_of_whoever_asked_our_first_proxy(
    forwarded: list[str], remote: str, proxies: int, found: str
) -> None:
    assert network(forwarded, remote, proxies) == found


@given(st.lists(st.ip_addresses(v=4).map(str)), st.ip_addresses(v=4).map(str))
def test_what_a_caller_invents_does_not_count(invented: list[str], address: str) -> None:
    assert network([*invented, address], "10.0.0.1", 1) == address
    assert network(invented, address, 0) == address

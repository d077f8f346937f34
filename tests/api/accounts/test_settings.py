"""What is wrong with the settings is said by name, and secrets are not."""

import pytest
from pydantic import SecretStr

from api.accounts.settings import AccountsSettings
from process.settings import SettingsError, read
from tests.api.accounts.conftest import KEY


@pytest.mark.parametrize("keys", ["", "geheim", f"{KEY},", f"{KEY},geheim", "é" * 15, "x" * 31])
def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    monkeypatch.setenv("ACCOUNTS_ENABLED", "true")
    monkeypatch.setenv("ACCOUNTS_SECRET_KEYS", keys)
    with pytest.raises(SettingsError, match=r"ACCOUNTS_SECRET_KEYS: each.*openssl") as caught:
        read(AccountsSettings)
    assert "geheim" not in str(caught.value)


def test_keys_may_be_several_and_show_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "f" * 64
    monkeypatch.setenv("ACCOUNTS_ENABLED", "true")
    monkeypatch.setenv("ACCOUNTS_SECRET_KEYS", f"{KEY}, {other}")
    settings = read(AccountsSettings)
    assert settings.keys == (KEY, other)
    assert KEY not in f"{settings!r} {settings}"


def test_a_key_of_as_many_bytes_as_the_digest_will_do() -> None:
    assert AccountsSettings(enabled=True, secret_keys=SecretStr("x" * 32)).enabled


def test_off_they_need_no_key() -> None:
    assert not AccountsSettings().enabled

"""Tokens of ours are read, and no others."""

import base64
import hmac
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from api.accounts.tokens import ALGORITHM, AUDIENCE, ISSUER, BadToken, Tokens
from tests.api.accounts.conftest import KEY

OTHER = "another key which is as long as it must be"
FORGED = 5000  # tokens, of which none may be accepted

TOKENS = Tokens([KEY], 3600)
GOOD = TOKENS.issue(7, "stamp")
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
CLAIMS: dict[str, Any] = jwt.decode(GOOD, options={"verify_signature": False})


def encoded(document: object) -> str:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: object, payload: object, key: str | bytes = KEY, digest: str = "sha256") -> str:
    """A token with a true signature by that key, whatever it says."""
    text = f"{encoded(header)}.{encoded(payload)}"
    secret = key.encode() if isinstance(key, str) else key
    return f"{text}.{encoded(hmac.new(secret, text.encode(), digest).digest())}"


def accepted(token: str) -> bool:
    try:
        TOKENS.read(token)
    except BadToken:
        return False
    return True


def test_a_token_says_whose_it_is() -> None:
    assert TOKENS.read(GOOD) == (7, "stamp")
    assert set(CLAIMS) == {"aud", "exp", "iat", "iss", "stamp", "sub"}
    assert jwt.get_unverified_header(GOOD) == {"alg": "HS256", "typ": "JWT"}
    assert accepted(signed({"alg": "HS256"}, CLAIMS))  # so that the forgeries below fail for cause


def test_any_of_several_keys_is_known_and_the_first_signs() -> None:
    before, both, after = (Tokens(keys, 3600) for keys in ([KEY], [OTHER, KEY], [OTHER]))
    assert both.read(before.issue(7, "a")) == (7, "a")
    assert after.read(both.issue(7, "b")) == (7, "b")
    with pytest.raises(BadToken):
        after.read(before.issue(7, "c"))


@pytest.mark.parametrize(
    ("age", "good"),
    [(-20, False), (-5, True), (0, True), (3590, True), (3605, False)],
)
def test_a_token_is_good_for_its_time_and_clocks_may_differ_by_five_seconds(
    age: int, good: bool
) -> None:
    """The time that passes meanwhile changes none of it, unless it is ten seconds."""
    now = datetime.now(UTC).replace(microsecond=0)
    assert accepted(TOKENS.issue(7, "", now - timedelta(seconds=age))) == good


def test_that_a_token_has_expired_is_said_only_of_ours() -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    with pytest.raises(BadToken, match="expired"):
        TOKENS.read(TOKENS.issue(7, "", past))
    with pytest.raises(BadToken, match="no token of this service"):
        TOKENS.read(Tokens([OTHER], 3600).issue(7, "", past))


def other_claims() -> Iterator[dict[str, Any]]:
    """What a token of ours never says, and another program might with the same key."""
    for name in CLAIMS:
        yield {key: value for key, value in CLAIMS.items() if key != name}
    wrong = {
        "aud": ["other", "", None, [AUDIENCE], [AUDIENCE, "other"], f"{AUDIENCE} ", 7, {}],
        "iss": ["other", "", None, [ISSUER], f"{ISSUER}x", 7, {}],
        "exp": [0, -1, CLAIMS["iat"] - 60, None, "soon", [], {}, True, -1e308],
        "iat": [CLAIMS["exp"] + 60, 1e18, None, "now", [], {}],
        "nbf": [CLAIMS["exp"] + 60, "never", []],
        "sub": [
            7,
            None,
            "",
            "0",
            "-7",
            "07",
            "7.0",
            " 7",
            "\u0667",
            "7\n",
            "9" * 30,
            "admin",
            ["7"],
        ],
    }
    for name, values in wrong.items():
        for value in values:
            yield CLAIMS | {name: value}


def other_algorithms() -> Iterator[str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(*pem)
    for name in ("none", "None", "NONE", "nOnE", "", None, "HS256 ", "hs256", ["HS256"], {}, 7):
        for signature in ("", SIGNATURE, encoded(b""), encoded(bytes(32))):
            yield f"{encoded({'alg': name, 'typ': 'JWT'})}.{PAYLOAD}.{signature}"
        yield signed({"alg": name}, CLAIMS)
    for digest in ("sha384", "sha512"):
        yield signed({"alg": f"HS{digest[3:]}"}, CLAIMS, KEY, digest)
        yield signed({"alg": "HS256"}, CLAIMS, KEY, digest)
    for algorithm in ("RS256", "PS256", "RS512"):
        yield jwt.encode(CLAIMS, private, algorithm)
        yield signed({"alg": algorithm}, CLAIMS)  # our secret taken for a public key
        yield signed({"alg": algorithm}, CLAIMS, public)
    yield signed({"alg": "HS256"}, CLAIMS, public)


def other_keys() -> Iterator[str]:
    keys = [OTHER, "", "secret", KEY[:-1], f"{KEY} ", KEY.upper(), KEY.encode().hex(), "\0"]
    hints = [
        {"kid": "../../../../dev/null"},
        {"kid": "x' UNION SELECT 'key"},
        {"kid": ""},
        {"kid": 7},
        {"kid": [KEY]},
        {"jku": "http://127.0.0.1/keys.json"},
        {"x5u": "file:///dev/null"},
        {"jwk": {"kty": "oct", "k": encoded(OTHER.encode())}},
        {"x5c": [encoded(OTHER.encode())]},
        {"crit": ["exp"], "exp": 9e9},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "at+jwt"},
    ]
    for key in keys:
        yield signed({"alg": "HS256", "typ": "JWT"}, CLAIMS, key)
        for hint in hints:
            yield signed({"alg": "HS256"} | hint, CLAIMS, key)


def damaged() -> Iterator[str]:
    """What is one bit, one character, one part or one padding away from a good token."""
    for index in range(len(GOOD)):
        yield GOOD[:index]
        yield GOOD[:index] + GOOD[index + 1 :]
        for bit in range(7):
            yield GOOD[:index] + chr(ord(GOOD[index]) ^ 1 << bit) + GOOD[index + 1 :]
        for text in ("A", "=", ".", "\n", " ", "\0", "é"):
            yield GOOD[:index] + text + GOOD[index:]
    yield from (f"{GOOD}{text}" for text in ("A", "=", "==", ".", "\n", " ", "." + SIGNATURE))
    yield from ("", ".", "..", "...", f"{GOOD}.{GOOD}", GOOD * 2, "[" * 400, "e30.e30.e30")
    yield f"{encoded(b'[' * 350)}.{PAYLOAD}.{SIGNATURE}"


def swapped() -> Iterator[str]:
    """Parts of several good tokens, put together anew."""
    chance = random.Random(1)
    when = datetime.now(UTC)
    parts = [
        TOKENS.issue(user, "", when + timedelta(seconds=user % 3)).split(".")
        for user in range(1, 60)
    ]
    for _ in range(1500):
        (header, _, _), (_, payload, own), (_, _, signature) = chance.choices(parts, k=3)
        if own != signature:
            yield f"{header}.{payload}.{signature}"


def forgeries() -> list[str]:
    """So many different ones."""
    forged = {*other_algorithms(), *other_keys(), *damaged(), *swapped(), *same_key()} - {GOOD}
    chance = random.Random(2)
    while len(forged) < FORGED:
        claims = CLAIMS | {"sub": str(chance.randrange(1, 100))}
        forged.add(f"{HEADER}.{encoded(claims)}.{encoded(chance.randbytes(32))}")
    return sorted(forged)


def same_key() -> Iterator[str]:
    """What our own key may have signed for another purpose."""
    yield from (signed({"alg": "HS256"}, claims) for claims in other_claims())
    yield from (signed({"alg": "HS256"}, text) for text in ([], "x", 7, None, b"{", b"\xff"))


def test_five_thousand_forged_tokens_are_refused() -> None:
    forged = forgeries()
    assert len(forged) >= FORGED
    assert [token for token in forged if accepted(token)] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "cty"])
CLAIM = st.sampled_from([*CLAIMS, "nbf", "jti"])


@settings(max_examples=500)
@given(st.text() | st.text("eyJ.-_09AZ=", max_size=300))
def test_no_text_is_a_token(text: str) -> None:
    assert not accepted(text)


@settings(max_examples=200)
@given(st.dictionaries(NAMES, JSON), st.dictionaries(CLAIM, JSON), st.booleans())
def test_whatever_a_token_says_it_is_refused_or_somebodys(
    header: dict[str, Any], payload: dict[str, Any], ours: bool
) -> None:
    """By our own key too, whatever else that may have signed."""
    token = signed({"alg": ALGORITHM} | header, CLAIMS | payload, KEY if ours else OTHER)
    try:
        assert TOKENS.read(token)[0] > 0
    except BadToken:
        return
    assert ours

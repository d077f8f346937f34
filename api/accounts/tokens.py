"""Tokens (JWT, RFC 7519): what a user shows instead of name and password.

They say who, by the number in the database, by which password and until when; what the user may do
is looked up. The service itself both makes and reads them, so one secret does (HMAC). What a
token's own header says of algorithms and keys chooses nothing (RFC 8725, 3.1).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import jwt

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "image-classifier"
CLAIMS = ["aud", "exp", "iat", "iss", "stamp", "sub"]
LEEWAY = 5  # seconds between the clocks of two replicas

_TEXT = re.compile(r"[\w.-]+", re.ASCII)  # without padding (RFC 7515, 2), which PyJWT lets pass
_USER = re.compile(r"[1-9][0-9]{0,17}")


class BadToken(Exception):
    """A text is no token of ours that is good now; the message says why, in words of ours."""


class Tokens:
    """Makes and reads tokens.

    Args:
        keys: the secrets, of which the first one signs and all are known.
        seconds: for which a token is good.
    """

    def __init__(self, keys: Sequence[str], seconds: int) -> None:
        self._keys = tuple(keys)
        self.seconds = seconds

    def issue(self, user_id: int, stamp: str, now: datetime | None = None) -> str:
        """A token for a user with a password of that stamp, which is good from ``now`` on."""
        now = now or datetime.now(UTC)
        claims = {
            "aud": AUDIENCE,
            "exp": now + timedelta(seconds=self.seconds),
            "iat": now,
            "iss": ISSUER,
            "stamp": stamp,
            "sub": str(user_id),
        }
        return jwt.encode(claims, self._keys[0], ALGORITHM)

    def read(self, token: str) -> tuple[int, str]:
        """The id of the user whom a token is for, and the stamp of the password then.

        Raises:
            BadToken: it is not ours, is damaged, or is not good now.
        """
        if not _TEXT.fullmatch(token):
            raise BadToken("this is no token of this service")
        claims = self._claims(token)
        if not _USER.fullmatch(claims["sub"]):
            raise BadToken("the token names no user")
        return int(claims["sub"]), claims["stamp"]

    def _claims(self, token: str) -> dict[str, str]:
        for key in self._keys:
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=[ALGORITHM],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    leeway=LEEWAY,
                    options={"require": CLAIMS, "strict_aud": True},
                )
            except jwt.InvalidSignatureError:
                continue  # it may be of another key
            except jwt.ExpiredSignatureError:
                raise BadToken("the token has expired: log in again") from None
            except jwt.PyJWTError:
                break
        raise BadToken("this is no token of this service")

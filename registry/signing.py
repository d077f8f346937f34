"""Ed25519 signatures (RFC 8032): who made a statement, and that nobody has changed it since.

A signature is text, ``<16 hex digits that name the key>:<128 hex digits>``. The name only tells a
reader which of its keys to try, and a person which one to look for.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry.errors import Fault

_SIGNATURE = re.compile(r"([0-9a-f]{16}):([0-9a-f]{128})")


def statement(kind: str, fields: Mapping[str, object]) -> bytes:
    """The bytes that stand for ``fields``: equal for equal fields only.

    The kind goes first, so that what is signed as one kind is never taken for another.

    Args:
        kind: what is stated, a word.
        fields: text, whole numbers and truth values.
    """
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return f"image-classifier {kind} 1\n{text}".encode()


def key_name(key: Ed25519PublicKey) -> str:
    """The beginning of the SHA-256 of a key's 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


class Signer:
    """Signs with a private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._name = key_name(key.public_key())

    @property
    def public(self) -> Ed25519PublicKey:
        """The key that verifies what this one signs."""
        return self._key.public_key()

    def sign(self, statement: bytes) -> str:
        """The signature; always the same for the same statement."""
        return f"{self._name}:{self._key.sign(statement).hex()}"


class Verifier:
    """Verifies with public keys, any of which may have signed.

    Args:
        read_keys: the keys as they are now; called each time, so that a rotation needs no restart.
    """

    def __init__(self, read_keys: Callable[[], Sequence[Ed25519PublicKey]]) -> None:
        self.read_keys = read_keys

    def fault(self, statement: bytes, signature: str) -> Fault | None:
        """What is wrong with a signature under a statement; None if nothing is."""
        if not signature:
            return "unsigned"
        parts = _SIGNATURE.fullmatch(signature)
        if parts is None:
            return "altered"
        keys = [key for key in self.read_keys() if key_name(key) == parts[1]]
        if not keys:
            return "signed by another key"
        try:
            keys[0].verify(bytes.fromhex(parts[2]), statement)
        except InvalidSignature:
            return "altered"
        return None

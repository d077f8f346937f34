"""Keys for tests."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.signing import Signer, Verifier
from registry.trust import Trust


def signer(seed: int = 0) -> Signer:
    """A private key, another for each seed."""
    return Signer(Ed25519PrivateKey.from_private_bytes(seed.to_bytes(32, "big")))


def trust(*seeds: int, registry: str = "a registry") -> Trust:
    """Signs with the first key, and trusts all of them."""
    signers = [signer(seed) for seed in seeds or (0,)]
    return Trust(registry, Verifier(lambda: [each.public for each in signers]), signers[0])

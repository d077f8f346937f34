"""A real hasher that counts."""

from argon2 import PasswordHasher


class CountingHasher(PasswordHasher):
    """Hashes as another does, and counts how often it checks a password.

    Attributes:
        checks: the hashes that passwords were checked against.
    """

    def __init__(self, other: PasswordHasher) -> None:
        super().__init__(other.time_cost, other.memory_cost, other.parallelism)
        self.checks: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        """As it is."""
        self.checks.append(hash)
        return super().verify(hash, password)

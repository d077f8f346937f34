"""What is signed in a registry, and by whom its signatures have to be.

Anyone who can write to the bucket can write a hash; only the gate, and whoever promotes and rolls
back by hand, can sign. Two things are signed:

- the record of production: all that it says, the digests of the card and of the verdict that let
  the version in, and the name of the registry, so that a record holds in no other place;
- each verdict of the gate: version, card and verdict together.
"""

from dataclasses import asdict, dataclass, replace

from registry.errors import BadKey, Fault, Untrusted
from registry.record import REPAIR, StageRecord
from registry.signing import Signer, Verifier, statement


@dataclass(frozen=True)
class Trust:
    """Whose signatures count in one registry.

    Attributes:
        registry: the name of the registry.
        verifier: the public keys.
        signer: the private key, where this process has it.
    """

    registry: str
    verifier: Verifier
    signer: Signer | None = None

    def sign_record(self, record: StageRecord) -> StageRecord:
        """The record with its signature.

        Raises:
            BadKey: this process has no private key.
        """
        return replace(record, signature=self._sign(self._record(record)))

    def check_record(self, record: StageRecord, name: str) -> None:
        """Check that the record, found in ``name``, is one of production and signed.

        Raises:
            Untrusted: it is not; the error has the reason.
        """
        fault = self.verifier.fault(self._record(record), record.signature)
        if fault or record.stage != "production":
            raise untrusted(name, fault or "altered", REPAIR)

    def sign_verdict(self, version: str, verdict: str, card: str, document: str) -> str:
        """The signature on a verdict.

        Args:
            version: the version that was judged.
            verdict: the id of the verdict.
            card: SHA-256 of the version's card.
            document: SHA-256 of the verdict.

        Raises:
            BadKey: this process has no private key.
        """
        return self._sign(self._verdict(version, verdict, card, document))

    def verdict_fault(
        self, version: str, verdict: str, card: str, document: str, signature: str
    ) -> Fault | None:
        """What is wrong with the signature on a verdict; None if nothing is."""
        return self.verifier.fault(self._verdict(version, verdict, card, document), signature)

    def _sign(self, signed: bytes) -> str:
        if self.signer is None:
            raise BadKey("this program was given no REGISTRY_SIGNING_KEY: it may only read")
        return self.signer.sign(signed)

    def _record(self, record: StageRecord) -> bytes:
        fields = asdict(record) | {"registry": self.registry}
        del fields["signature"]
        return statement("record", fields)

    def _verdict(self, version: str, verdict: str, card: str, document: str) -> bytes:
        fields = {
            "registry": self.registry,
            "version": version,
            "verdict": verdict,
            "card_sha256": card,
            "verdict_sha256": document,
        }
        return statement("verdict", fields)


def untrusted(name: str, reason: Fault, advice: str) -> Untrusted:
    """The error that what lies under ``name`` cannot be trusted."""
    return Untrusted(f"{name} is not trusted: {_EXPLAINED[reason]}: {advice}", reason)


_EXPLAINED: dict[Fault, str] = {
    "unsigned": "it is not signed, so a person put it there or it is older than the signatures",
    "signed by another key": "it is signed by a key that is not in REGISTRY_PUBLIC_KEY",
    "altered": "it is not what was signed, or was signed for another place",
    "replayed": "it is older than what was there before it",
}
